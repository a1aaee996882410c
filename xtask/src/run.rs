//! Running a program and saying what it was when it fails.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// Runs a program in the workspace's folder with its output passed through.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    run_with(&[], program, arguments)
}

/// The same with more in its environment.
pub(crate) fn run_with(
    environment: &[(&str, &str)],
    program: &str,
    arguments: &[&str],
) -> Result<()> {
    let line = line(program, arguments);
    eprintln!("$ {line}");
    let status = command(program, arguments)?
        .envs(environment.iter().copied())
        .status()
        .with_context(|| format!("could not start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs a program and returns its standard output; standard error is passed through.
pub(crate) fn capture(program: &str, arguments: &[&str]) -> Result<String> {
    let line = line(program, arguments);
    let (printed, status) = printed(program, arguments)?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(printed)
}

/// What a program prints on its standard output, and how it ended.
pub(crate) fn printed(program: &str, arguments: &[&str]) -> Result<(String, ExitStatus)> {
    let line = line(program, arguments);
    let output = command(program, arguments)?
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start `{line}`"))?;
    let printed =
        String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed no UTF-8"))?;
    Ok((printed, output.status))
}

/// Whether a program can be started and ends well; its output is dropped.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    command(program, arguments)
        .and_then(|mut command| {
            Ok(command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?)
        })
        .is_ok_and(|status| status.success())
}

/// A program to be started in the workspace's folder, with the tools built for it on its path.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Result<Command> {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(if cfg!(windows) { ";" } else { ":" });
    path.push(tools_folder()?.join("bin"));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PATH", path)
        .current_dir(crate::root()?);
    Ok(command)
}

/// Where tools are built that the machine lacks.
pub(crate) fn tools_folder() -> Result<PathBuf> {
    Ok(target_folder()?.join("tools"))
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let root = crate::root()?;
    Ok(match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    })
}

/// A binary in the dev profile, built with the features that the whole workspace has, so that little is built anew after the
/// step `tests`.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    run(
        "cargo",
        &["build", "--workspace", "--locked", "--bin", name, "--quiet"],
    )?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    Ok(target_folder()?.join("debug").join(file))
}

/// A path as text, for arguments.
pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is no UTF-8", path.display()))
}

fn line(program: &str, arguments: &[&str]) -> String {
    let mut line = program.to_owned();
    for argument in arguments {
        line.push(' ');
        line.push_str(argument);
    }
    line
}
