//! Counts and audits the rows periodically, for the metrics.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::shown::Shown;

const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Counts the rows, and audits them at longer intervals, until `stop`.
pub(crate) async fn watch(pool: PgPool, shown: Shown, audit_every: Duration, stop: CancellationToken) {
    let mut looks = 0;
    let looks_per_audit = (audit_every.as_secs() / LOOK_EVERY.as_secs()).max(1);
    loop {
        if let Err(error) = look(&pool).await {
            tracing::debug!(%error, "the rows are counted later");
        }
        if looks % looks_per_audit == 0
            && let Err(error) = audit_once(&pool, &shown).await
        {
            tracing::debug!(error = format!("{error:#}"), "the audit is made later");
        }
        looks += 1;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn look(pool: &PgPool) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select c.category as "category!", s.status as "status!", count(b.id) as "count!"
        from unnest(array['webinar', 'concert', 'hackathon', 'none']) as c (category)
        cross join unnest(array['confirmed', 'waiting']) as s (status)
        left join events e on coalesce(e.category, 'none') = c.category
            and event_status(e.status, e.event_date, e.ends_at, now()) in ('upcoming', 'ongoing')
        left join bookings b on b.event_id = e.id and b.status = s.status
        group by 1, 2"#
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        metrics::bookings(row.category, row.status, row.count);
    }
    let row = sqlx::query!(
        r#"select (select count(*) from bookings where waiting_order is not null) as "waiting!",
            count(*) as "unpublished!", coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as "age!"
        from outbox where published_at is null"#
    )
    .fetch_one(pool)
    .await?;
    metrics::waitlist(row.waiting);
    metrics::outbox(row.unpublished, row.age);
    Ok(())
}

async fn audit_once(pool: &PgPool, shown: &Shown) -> anyhow::Result<()> {
    let findings = super::run(pool, shown).await?;
    for invariant in super::invariants() {
        let count = findings.iter().filter(|finding| finding.invariant == invariant).count();
        metrics::violations(invariant, count);
    }
    for finding in findings {
        tracing::error!(invariant = finding.invariant, what = finding.what, "the audit found a violation");
    }
    Ok(())
}
