//! `token ISSUER NAME`: prints an access token of a demo person. Run by `cargo xtask token`.

use std::process::ExitCode;

use happening_people::People;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(issuer), Some(name), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        eprintln!("usage: token ISSUER NAME");
        return ExitCode::FAILURE;
    };
    match People::of(&issuer).token(&name).await {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
