//! Services that run already, whose addresses are in the environment.

use std::collections::BTreeMap;

use happening_stack::Stack;

/// Settings that the server needs.
const NEEDED: [&str; 4] = ["DATABASE_URL", "REDIS_URL", "RABBITMQ_URL", "OIDC_ISSUER_URL"];
/// Optional settings that are passed on when they are set.
const MORE: [&str; 5] = ["OIDC_AUDIENCE", "RABBITMQ_MANAGEMENT_URL", "KEYCLOAK_ADMIN_URL", "SERVER_KEY", "PUBLIC_URL"];

/// Which services the environment names.
pub(crate) enum Given {
    /// All addresses are set.
    All(BTreeMap<&'static str, String>),
    /// Some addresses are set; these are missing.
    Some(Vec<&'static str>),
    None,
}

impl Given {
    /// Reads the environment. Addresses of this stack's own services do not count: a person may have exported its
    /// `stack.env`.
    pub(crate) fn from_environment(stack: &Stack) -> Self {
        let value = |name: &'static str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let own = stack.written("DATABASE_URL").filter(|_| stack.written(OF_OTHERS).is_none());
        let (there, missing): (Vec<_>, Vec<_>) = NEEDED.iter().partition(|name| value(name).is_some());
        if there.is_empty() || value("DATABASE_URL").is_some_and(|url| Some(url) == own) {
            return Self::None;
        }
        if !missing.is_empty() {
            return Self::Some(missing);
        }
        Self::All(NEEDED.iter().chain(&MORE).filter_map(|name| Some((*name, value(name)?))).collect())
    }
}

/// The environment of a program that uses this stack with the given services.
pub(crate) fn env_with(stack: &Stack, given: BTreeMap<&'static str, String>) -> BTreeMap<&'static str, String> {
    let mut env = stack.env();
    for private in ["RABBITMQ_MANAGEMENT_URL", "KEYCLOAK_ADMIN_URL"] {
        env.remove(private);
    }
    env.extend(given);
    env.insert(OF_OTHERS, "true".to_owned());
    env
}

/// A variable in `stack.env` that tells that the services are not the stack's own.
const OF_OTHERS: &str = "SERVICES_GIVEN";
