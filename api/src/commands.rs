//! The commands of the shell that the screens may call, once: from this list come the shell's handlers, the windows' permissions
//! and the screens' functions.

/// Hands the list of commands to a macro: for each its name, its arguments and what it answers.
///
/// The types are those that the place of use has imported.
#[macro_export]
macro_rules! with_commands {
    ($use:ident) => {
        $use! {
            /// Where the person stands with signing in.
            session() -> SessionView;
            sign_in() -> ();
            open_sign_in_again() -> ();
            /// Puts the link of the sign-in that waits into the clipboard; answers whether there was one.
            copy_sign_in_link() -> bool;
            cancel_sign_in() -> ();
            sign_out() -> ();
            /// Asks the server.
            call(call: Call) -> Answered;
            /// Asks the server for a file, and the person where to save it.
            save(file: Download) -> Saved;
            info() -> ShellInfo;
            /// Puts a text into the clipboard.
            copy(text: String) -> ();
            /// The theme of what the system draws.
            appearance(theme: Theme) -> ();
            /// What was opened from outside since the last call.
            opened() -> Option<OpenTarget>;
            /// The invite whose link was opened.
            preview_invite() -> Option<InvitePreview>;
            /// Accepts the invite that was shown last.
            accept_invite() -> Option<Organization>;
            forget_invite() -> ();
            remember_organization(org_id: Option<OrgId>) -> ();
            check_server(address: String) -> ServerCheck;
            change_server(address: String) -> ();
            /// Opens an event's board in a window of its own.
            open_board(event_id: EventId) -> ();
            diagnostics() -> String;
            /// The screens panicked with this message.
            broke_down(message: String) -> ();
            /// The version that is newer, if there is one; with `install` it is installed and the app restarts.
            update(install: bool) -> Option<String>;
        }
    };
}
