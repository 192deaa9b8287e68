"""supervisord's configuration: one file for itself and one for each program, so that programs come and go alone."""

import os
import shlex
from pathlib import Path

from postern_local.directory import StateDirectory, write_private
from postern_local.program import Program, as_user
from postern_local.stages import stage_of

DAEMON = """\
[supervisord]
nodaemon = true
silent = true
identifier = postern
pidfile = {run}/supervisord.pid
logfile = {logs}/supervisord.log
logfile_maxbytes = 5MB
logfile_backups = 1
childlogdir = {logs}
{user}

[unix_http_server]
file = {socket}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[include]
files = {programs}/*.conf
"""

PROGRAM = """\
[program:{name}]
command = /bin/sh "{launcher}"
priority = {priority}
autostart = false
autorestart = true
startsecs = 1
startretries = 20
stopsignal = {stop_signal}
stopwaitsecs = {stop_seconds}
stopasgroup = false
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 1
"""


def write_daemon(state: StateDirectory, *, socket: Path) -> Path:
    """Write supervisord's own part; returns the file to start it with."""
    programs = state.run / "programs"
    programs.mkdir(exist_ok=True)
    for left in programs.iterdir():
        left.unlink()
    path = state.run / "supervisord.conf"
    text = DAEMON.format(
        run=_literal(state.run),
        logs=_literal(state.logs),
        socket=_literal(socket),
        programs=_literal(programs),
        user="user = root" if os.geteuid() == 0 else "",  # says on purpose what it would warn about
    )
    write_private(path, text)
    return path


def write_program(state: StateDirectory, program: Program) -> None:
    """Write the files of one program; they count once supervisord has read its configuration again."""
    launcher, settings = _files(state, program.name)
    write_private(launcher, launcher_text(program))
    text = PROGRAM.format(
        name=program.name,
        priority=100 + stage_of(program.name),  # supervisord on its own stops in this order, too
        launcher=_literal(launcher),
        stop_signal=program.stop_signal,
        stop_seconds=program.stop_seconds,
        log=_literal(state.logs / f"{program.name}.log"),
    )
    write_private(settings, text)


def launcher_text(program: Program) -> str:
    """A shell script that becomes the program, so that supervisord's pid is the program's own.

    A script, because supervisord's own list of variables has no way to write every value.
    """
    variables = [f"export {name}={shlex.quote(value)}" for name, value in program.environment.items()]
    drop = as_user(program.user)
    return "\n".join(
        [
            f"cd {shlex.quote(str(program.directory))} || exit 1",
            *variables,
            f"exec {shlex.join([*drop, *program.command])}",
            "",
        ]
    )


def remove_program(state: StateDirectory, name: str) -> None:
    """Forget one program, once it is stopped."""
    for file in _files(state, name):
        file.unlink(missing_ok=True)


def _files(state: StateDirectory, name: str) -> tuple[Path, Path]:
    programs = state.run / "programs"
    return programs / f"{name}.sh", programs / f"{name}.conf"


def _literal(value: object) -> str:
    return str(value).replace("%", "%%")  # a percent sign would be expanded
