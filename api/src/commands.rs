//! The list of the shell's commands that the screens may call. The shell's handlers, the windows' permissions and the
//! screens' functions are all generated from it.

/// Hands the list of commands to a macro: for each command its name, its arguments and the type of its answer.
///
/// The module that uses this macro must import the types.
#[macro_export]
macro_rules! with_commands {
    ($use:ident) => {
        $use! {
            /// The state of signing in.
            session() -> SessionView;
            sign_in() -> ();
            open_sign_in_again() -> ();
            /// Copies the link of the pending sign-in to the clipboard; answers whether there was one.
            copy_sign_in_link() -> bool;
            cancel_sign_in() -> ();
            sign_out() -> ();
            /// Sends a call to the server.
            call(call: Call) -> Answered;
            /// Downloads a file from the server, and saves it where the person chooses.
            save(file: Download) -> Saved;
            info() -> ShellInfo;
            /// Copies a text to the clipboard.
            copy(text: String) -> ();
            /// Sets the theme of what the system draws, such as menus and dialogs.
            appearance(theme: Theme) -> ();
            /// The target of the deep link that was opened since the last call.
            opened() -> Option<OpenTarget>;
            /// The invite whose link was opened.
            preview_invite() -> Option<InvitePreview>;
            /// Accepts the invite that was shown last.
            accept_invite() -> Option<Organization>;
            forget_invite() -> ();
            remember_organization(org_id: Option<OrgId>) -> ();
            check_server(address: String) -> ServerCheck;
            change_server(address: String) -> ();
            /// Opens an event's board in a separate window.
            open_board(event_id: EventId) -> ();
            diagnostics() -> String;
            /// The screens panicked with this message.
            broke_down(message: String) -> ();
            /// The number of a newer version, if there is one; with `install` the shell installs it and restarts the
            /// app.
            update(install: bool) -> Option<String>;
        }
    };
}
