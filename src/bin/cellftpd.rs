//! The program: calls one function.

fn main() -> std::process::ExitCode {
    cellftpd::cli::main()
}
