import subprocess


def run(command, cwd=None, env=None, check=True):
    """The output of a command."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=█
        check=check,
        capture_output=True,
        text=True,
    )
    return done.stdout
# output
env,
