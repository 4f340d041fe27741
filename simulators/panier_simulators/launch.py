"""Runs a program with the terminal on its standard input as its controlling terminal: `python launch.py PROGRAM ARGUMENT...`.

With a controlling terminal the program hears of a resize, and is hung up when the simulator that held its screen is gone.
Standard library only, and little of it: it runs for milliseconds before it becomes the program.
"""

import fcntl
import os
import signal
import sys
import termios

if __name__ == "__main__":
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Started by nohup, a simulator would hand its deafness on, and its programs would outlive their screens.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 (to become the program is its purpose)
