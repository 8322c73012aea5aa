//! A scheduler of tasks, in which a random generator with a seed chooses the task that makes the next step. It uses no threads and no
//! clock.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use uuid::Uuid;

/// Random numbers from a seed (splitmix64: Steele, Lea, Flood, 2014).
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A random id.
    pub(super) fn id(&mut self) -> Uuid {
        Uuid::from_u128(u128::from(self.next()) << 64 | u128::from(self.next()))
    }

    /// A random number below `end`, which must be at least 1.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True once in `times` calls on average.
    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    /// The process to which the task belongs; killing that process removes the task.
    process: Option<usize>,
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
    ready: Arc<Flag>,
    waker: Waker,
}

/// Tasks, of which one at a time makes a step.
#[derive(Default)]
pub(super) struct Executor {
    tasks: Vec<Task>,
}

impl Executor {
    pub(super) fn spawn(&mut self, process: Option<usize>, work: impl Future<Output = ()> + Send + 'static) {
        let ready = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&ready));
        self.tasks.push(Task { process, work: Box::pin(work), ready, waker });
    }

    /// Lets one of the ready tasks make a step. False when none is ready.
    pub(super) fn step(&mut self, choose: impl FnOnce(usize) -> usize) -> bool {
        let is_ready = |task: &Task| task.ready.0.load(Ordering::Relaxed);
        let ready = self.tasks.iter().filter(|task| is_ready(task)).count();
        if ready == 0 {
            return false;
        }
        let chosen = choose(ready);
        let at = (0..self.tasks.len()).filter(|at| is_ready(&self.tasks[*at])).nth(chosen).expect("chosen < ready");
        let task = &mut self.tasks[at];
        task.ready.0.store(false, Ordering::Relaxed);
        if task.work.as_mut().poll(&mut Context::from_waker(&task.waker)).is_ready() {
            drop(self.tasks.swap_remove(at));
        }
        true
    }

    /// Kills a process: its tasks stop where they are.
    pub(super) fn kill(&mut self, process: usize) {
        self.tasks.retain(|task| task.process != Some(process));
    }

    /// How many tasks belong to no process; these are the callers.
    pub(super) fn callers(&self) -> usize {
        self.tasks.iter().filter(|task| task.process.is_none()).count()
    }
}

/// A future that lets other tasks make a step first.
#[derive(Default)]
pub(super) struct Step(bool);

impl Future for Step {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
