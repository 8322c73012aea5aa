//! Using the seat map with a pointer: a click chooses the seat that is drawn there, also after the hall was moved or
//! zoomed.

use std::time::Duration;

use anyhow::{Context, Result};
use happening_halls::{Hall, View};
use happening_tests::desktop::Desktop;
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};

use crate::signed_in;

/// The map on the page: the canvas' position, and the part of the hall that it shows.
struct Map {
    left: f32,
    top: f32,
    hall: Hall,
    view: View,
}

impl Map {
    /// The map as it is first shown.
    async fn of(desktop: &Desktop, seats: i32) -> Result<Self> {
        let script = "const c = document.querySelector('.hall-canvas'), box = c.getBoundingClientRect();
            return [box.left, box.top, c.clientWidth, c.clientHeight]";
        let numbers: Vec<f32> = serde_json::from_value(desktop.script(script).await?)?;
        let [left, top, width, height] = numbers.try_into().ok().context("four numbers")?;
        let hall = Hall::new(None, seats);
        let view = View::whole(&hall, width, height);
        Ok(Self { left, top, hall, view })
    }

    /// A seat's position on the page.
    fn seat(&self, number: usize) -> (f32, f32) {
        let place = self.hall.places[number - 1];
        self.beside((place.x, place.y))
    }

    /// The seat nearest to a point of the canvas.
    fn nearest(&self, (x, y): (f32, f32)) -> i32 {
        let far = |seat: &usize| {
            let place = self.hall.places[seat - 1];
            let (there_x, there_y) = self.view.to_surface(place.x, place.y);
            (there_x - x).hypot(there_y - y)
        };
        let seats = 1..=self.hall.places.len();
        seats.min_by(|one, other| far(one).total_cmp(&far(other))).unwrap_or(1) as i32
    }

    fn beside(&self, (x, y): (f32, f32)) -> (f32, f32) {
        let (x, y) = self.view.to_surface(x, y);
        (self.left + x, self.top + y)
    }
}

/// Waits until exactly these seats are chosen.
async fn chosen(desktop: &Desktop, seats: &[i32]) -> Result<()> {
    let script =
        "return [...document.querySelectorAll('.seat-chip:has(button)')].map(one => parseInt(one.textContent))";
    let mut last: Vec<i32> = Vec::new();
    let same = wait_for("the chosen seats", Duration::from_secs(10), || async {
        Ok((serde_json::from_value::<Vec<i32>>(desktop.script(script).await?)? == seats).then_some(()))
    })
    .await;
    if same.is_err() {
        last = serde_json::from_value(desktop.script(script).await?)?;
    }
    same.with_context(|| format!("{seats:?} should be chosen, and {last:?} are"))
}

#[tokio::test]
async fn a_pointer_chooses_seats_takes_ranges_and_moves_the_hall() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 60).await?;
    owner.book_exactly(event.id, &[2]).await?.expect(201);
    let desktop = signed_in(&world, "frances").await?;
    desktop.go(&format!("/events/{}/seats", event.id)).await?;
    desktop.sees("None chosen yet").await?;
    let mut map = Map::of(&desktop, 60).await?;

    // the map names the seat under the pointer; a taken seat cannot be chosen
    wait_for("the map to name seat 2", Duration::from_secs(60), || async {
        // a busy window may miss a move, as it may miss one of a hand: so move until it is noticed
        desktop.point(map.seat(3)).await?;
        desktop.point(map.seat(2)).await?;
        Ok(desktop.text().await?.contains("Seat 2: taken").then_some(()))
    })
    .await?;
    desktop.drag(&[map.seat(2)]).await?;
    desktop.drag(&[map.seat(5)]).await?;
    chosen(&desktop, &[5]).await?;
    desktop.drag(&[map.seat(5)]).await?;
    chosen(&desktop, &[]).await?;

    // Shift and a click choose all free seats from the last chosen one to this; Shift and a drag choose a rectangle
    desktop.drag(&[map.seat(1)]).await?;
    desktop.drag_with_shift(&[map.seat(4)]).await?;
    chosen(&desktop, &[1, 3, 4]).await?;
    let (left, top) = map.seat(21);
    let (right, bottom) = map.seat(22);
    desktop.drag_with_shift(&[(left - 6.0, top - 6.0), (right - 6.0, bottom), (right + 6.0, bottom + 6.0)]).await?;
    chosen(&desktop, &[1, 3, 4, 21, 22]).await?;

    // after zooming and moving, the same seats are at other positions
    let middle = (map.view.width / 2.0, map.view.height / 2.0);
    for _ in 0..2 {
        desktop.click(".hall-zoom button[aria-label='Zoom in']").await?;
        map.view = map.view.zoomed(1.5, middle.0, middle.1);
    }
    let grip = map.beside(map.view.centre);
    desktop.drag(&[grip, (grip.0 + 20.0, grip.1 + 10.0), (grip.0 + 50.0, grip.1 + 30.0)]).await?;
    map.view = map.view.moved(50.0, 30.0);
    chosen(&desktop, &[1, 3, 4, 21, 22]).await.context("moving the hall changed the chosen seats")?;
    let near = map.nearest(middle);
    desktop.drag(&[map.seat(near as usize)]).await?;
    let mut all = vec![1, 3, 4, 21, 22, near];
    all.sort_unstable();
    chosen(&desktop, &all).await?;

    desktop.click("#book").await?;
    desktop.sees("Booked: seats 1, 3, 4").await?;
    assert_eq!(owner.event(event.id).await?.available_slots, 60 - 7);
    world.audit()
}

#[tokio::test]
async fn the_map_uses_all_pixels_of_dense_displays() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let event = world.event(&world.person("edsger").await?, 60).await?;
    let mut desktop = Desktop::started_by(&world, "frances", "env GDK_SCALE=2").await?;
    desktop.start_app().await?;
    desktop.sign_in(world.people(), "frances").await?;
    desktop.sees("Upcoming events").await?;
    desktop.go(&format!("/events/{}/seats", event.id)).await?;
    desktop.sees("None chosen yet").await?;
    let map = Map::of(&desktop, 60).await?;
    let pixels =
        "const c = document.querySelector('.hall-canvas'); return [c.width / c.clientWidth, c.height / c.clientHeight]";
    desktop.becomes(pixels, vec![2, 2]).await?;
    // a seat is drawn where the pointer finds it
    let (x, y) = map.view.to_surface(map.hall.places[4].x, map.hall.places[4].y);
    let drawn = format!(
        "return document.querySelector('.hall-canvas').getContext('2d').getImageData({}, {}, 1, 1).data[3]",
        2.0 * x,
        2.0 * y
    );
    desktop.becomes(&drawn, 255).await?;
    desktop.drag(&[map.seat(5)]).await?;
    chosen(&desktop, &[5]).await
}

#[tokio::test]
async fn the_hall_is_redrawn_for_another_theme() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let event = world.event(&world.person("edsger").await?, 60).await?;
    let desktop = signed_in(&world, "frances").await?;
    desktop.go(&format!("/events/{}/seats", event.id)).await?;
    desktop.sees("None chosen yet").await?;
    // `None` until something is drawn
    let brightness = async || -> Result<Option<f64>> {
        let script = "const c = document.querySelector('.hall-canvas'), all = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let sum = 0, count = 0;
            for (let at = 0; at < all.length; at += 4) if (all[at + 3] === 255) { sum += all[at]; count += 1; }
            return count ? sum / count : null";
        Ok(desktop.script(script).await?.as_f64())
    };
    let choose = async |theme: &str| {
        desktop.script(&format!("document.documentElement.setAttribute('data-theme', '{theme}'); return 1")).await
    };
    choose("light").await?;
    wait_for("a light hall", Duration::from_secs(10), async || Ok(brightness().await?.filter(|it| *it > 150.0)))
        .await?;
    choose("dark").await?;
    wait_for("a dark hall", Duration::from_secs(10), async || Ok(brightness().await?.filter(|it| *it < 120.0))).await?;
    Ok(())
}
