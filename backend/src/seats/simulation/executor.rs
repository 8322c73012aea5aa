//! A scheduler of tasks: chance, from a seed, says who makes the next step. No thread, no clock.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use uuid::Uuid;

/// Numbers by chance from a seed (splitmix64: Steele, Lea, Flood, 2014).
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

    /// An id.
    pub(super) fn id(&mut self) -> Uuid {
        Uuid::from_u128(u128::from(self.next()) << 64 | u128::from(self.next()))
    }

    /// A number below `end`, which is at least 1.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True once in so many times.
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
    /// The process that it belongs to; it ends with it.
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

    /// One task that can go on does so. False when none can.
    pub(super) fn step(&mut self, choose: impl FnOnce(usize) -> usize) -> bool {
        let is_ready = |task: &Task| task.ready.0.load(Ordering::Relaxed);
        let ready = self.tasks.iter().filter(|task| is_ready(task)).count();
        if ready == 0 {
            return false;
        }
        let chosen = choose(ready);
        let at = (0..self.tasks.len()).filter(|at| is_ready(&self.tasks[*at])).nth(chosen).expect("there are so many");
        let task = &mut self.tasks[at];
        task.ready.0.store(false, Ordering::Relaxed);
        if task.work.as_mut().poll(&mut Context::from_waker(&task.waker)).is_ready() {
            drop(self.tasks.swap_remove(at));
        }
        true
    }

    /// The process is killed: its tasks stop where they are.
    pub(super) fn kill(&mut self, process: usize) {
        self.tasks.retain(|task| task.process != Some(process));
    }

    /// How many tasks belong to no process: callers.
    pub(super) fn callers(&self) -> usize {
        self.tasks.iter().filter(|task| task.process.is_none()).count()
    }
}

/// Lets others go first.
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
