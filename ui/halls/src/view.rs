//! The visible part of a hall and its scale: panning, zooming, and finding the seat under a point.

use crate::hall::Hall;

const ZOOM_MAX: f32 = 12.0;
/// The distance from a seat's middle, in seat pitches, within which a point hits the seat.
const HIT_REACH: f32 = 0.62;

/// The view of a hall on a surface of `width` by `height` CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    pub width: f32,
    pub height: f32,
    /// The zoom factor; 1 shows the whole hall.
    pub zoom: f32,
    /// The point of the hall that is in the middle of the surface.
    pub centre: (f32, f32),
    fit: f32,
    bounds: [f32; 4],
}

impl View {
    /// The whole hall.
    pub fn whole(hall: &Hall, width: f32, height: f32) -> Self {
        let bounds = hall.bounds;
        let fit = (width / (bounds[2] - bounds[0])).min(height / (bounds[3] - bounds[1])).clamp(0.01, 46.0);
        let centre = ((bounds[0] + bounds[2]) / 2.0, (bounds[1] + bounds[3]) / 2.0);
        Self { width, height, zoom: 1.0, centre, fit, bounds }
    }

    /// The same part of the hall on a surface of another size.
    pub fn resized(self, hall: &Hall, width: f32, height: f32) -> Self {
        let mut view = Self::whole(hall, width, height);
        view.zoom = self.zoom;
        if self.zoom > 1.0 {
            view.centre = self.centre;
        }
        view.clamped()
    }

    /// CSS pixels per seat pitch.
    pub fn scale(&self) -> f32 {
        self.fit * self.zoom
    }

    /// The point of the surface at which a place of the hall is shown.
    pub fn to_surface(self, x: f32, y: f32) -> (f32, f32) {
        let scale = self.scale();
        (self.width / 2.0 + (x - self.centre.0) * scale, self.height / 2.0 + (y - self.centre.1) * scale)
    }

    /// The seat under a point of the surface.
    pub fn hit(&self, hall: &Hall, x: f32, y: f32) -> Option<i32> {
        let scale = self.scale();
        let (x, y) = ((x - self.width / 2.0) / scale + self.centre.0, (y - self.height / 2.0) / scale + self.centre.1);
        let mut near = Vec::new();
        hall.near((x, y), HIT_REACH, &mut near);
        near.into_iter()
            .filter_map(|at| hall.places.get(at).map(|place| (at as i32 + 1, (place.x - x).hypot(place.y - y))))
            .filter(|(_, distance)| *distance < HIT_REACH)
            .min_by(|one, other| one.1.total_cmp(&other.1))
            .map(|(seat, _)| seat)
    }

    /// The numbers of the seats within a rectangle of the surface, ascending.
    pub fn inside(&self, hall: &Hall, from: (f32, f32), to: (f32, f32)) -> Vec<i32> {
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
        (1..)
            .zip(&hall.places)
            .filter(|(_, place)| {
                let (x, y) = self.to_surface(place.x, place.y);
                (left..=right).contains(&x) && (top..=bottom).contains(&y)
            })
            .map(|(seat, _)| seat)
            .collect()
    }

    /// The view zoomed by a factor; the hall stays in place under the given point of the surface.
    pub fn zoomed(self, factor: f32, x: f32, y: f32) -> Self {
        let before = self.scale();
        let mut view = self;
        view.zoom = (self.zoom * factor).clamp(1.0, ZOOM_MAX);
        let shift = 1.0 / before - 1.0 / view.scale();
        view.centre.0 += (x - self.width / 2.0) * shift;
        view.centre.1 += (y - self.height / 2.0) * shift;
        view.clamped()
    }

    /// The view moved by CSS pixels.
    pub fn moved(self, x: f32, y: f32) -> Self {
        let scale = self.scale();
        let mut view = self;
        view.centre.0 -= x / scale;
        view.centre.1 -= y / scale;
        view.clamped()
    }

    /// The view, moved if necessary so that a place of the hall is visible.
    pub fn showing(self, x: f32, y: f32) -> Self {
        let (at_x, at_y) = self.to_surface(x, y);
        let inside = (20.0..self.width - 20.0).contains(&at_x) && (20.0..self.height - 20.0).contains(&at_y);
        if inside {
            return self;
        }
        let mut view = self;
        view.centre = (x, y);
        view.clamped()
    }

    fn clamped(mut self) -> Self {
        let scale = self.scale();
        let clamp = |value: f32, low: f32, high: f32, extent: f32| {
            let half = extent / scale / 2.0;
            if high - low <= 2.0 * half { (low + high) / 2.0 } else { value.clamp(low + half, high - half) }
        };
        self.centre.0 = clamp(self.centre.0, self.bounds[0], self.bounds[2], self.width);
        self.centre.1 = clamp(self.centre.1, self.bounds[1], self.bounds[3], self.height);
        self
    }
}

#[cfg(test)]
mod tests {
    use happening_api::Category;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_seat_is_hit_where_it_is_shown(seat in 1..400i32, factor in 1.0..8.0f32, x in 0.0..900.0f32, y in 0.0..600.0f32) {
            let hall = Hall::new(Some(Category::Concert), 400);
            let view = View::whole(&hall, 900.0, 600.0).zoomed(factor, x, y);
            let place = hall.places[seat as usize - 1];
            let (at_x, at_y) = view.to_surface(place.x, place.y);
            prop_assert_eq!(view.hit(&hall, at_x, at_y), Some(seat));
        }

        #[test]
        fn moving_never_loses_the_hall(x in -5000.0..5000.0f32, y in -5000.0..5000.0f32, factor in 1.0..9.0f32) {
            let hall = Hall::new(None, 300);
            let view = View::whole(&hall, 800.0, 500.0).zoomed(factor, 10.0, 10.0).moved(x, y);
            let bounds = hall.bounds;
            prop_assert!((bounds[0]..=bounds[2]).contains(&view.centre.0) && (bounds[1]..=bounds[3]).contains(&view.centre.1));
        }
    }
}
