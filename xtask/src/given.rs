//! Services that are there already: their addresses are in the environment.

use std::collections::BTreeMap;

use happening_stack::Stack;

/// What the server cannot do without.
const NEEDED: [&str; 4] = ["DATABASE_URL", "REDIS_URL", "RABBITMQ_URL", "OIDC_ISSUER_URL"];
/// What goes with them when it is set.
const MORE: [&str; 5] = ["OIDC_AUDIENCE", "RABBITMQ_MANAGEMENT_URL", "KEYCLOAK_ADMIN_URL", "SERVER_KEY", "PUBLIC_URL"];

/// Where services are by the environment.
pub(crate) enum Given {
    /// The addresses of all.
    All(BTreeMap<&'static str, String>),
    /// Some addresses are missing: these ones.
    Some(Vec<&'static str>),
    None,
}

impl Given {
    /// Reads the environment. The addresses of the stack itself, from a `stack.env` that was exported, name nothing new.
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

/// Everything that a program needs to use the stack when its services are these.
pub(crate) fn env_with(stack: &Stack, given: BTreeMap<&'static str, String>) -> BTreeMap<&'static str, String> {
    let mut env = stack.env();
    for private in ["RABBITMQ_MANAGEMENT_URL", "KEYCLOAK_ADMIN_URL"] {
        env.remove(private);
    }
    env.extend(given);
    env.insert(OF_OTHERS, "true".to_owned());
    env
}

/// Stands in `stack.env` when the services are not the stack's own.
const OF_OTHERS: &str = "SERVICES_GIVEN";
