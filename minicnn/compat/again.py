"""What a process started by a script runs first: the script once more, as multiprocessing wants it.

On Linux, up to Python 3.13, processes are copies of the one that starts them, and nothing of this happens. Elsewhere
they begin anew, and multiprocessing imports the main module of the starting process: this one, by the name that
``run_script`` gives to the script.
"""

from minicnn.compat.script import run_again

if __name__ == "__mp_main__":
    globals().update(run_again())
