#!/usr/bin/env python3
"""An emulated stick: the stick's interpreter and firmware on a flash image, its USB port a pseudo terminal.

    tools/emulator.py --flash stick.img [--size 4M|16M] [--link PATH] [--qemu]

Prints one JSON line, {"port": …, "pid": …} (pid of the interpreter), and runs until stopped. Killing it, or the
interpreter, is pulling the plug: the port vanishes. With --link the port has a path that stays the same when the
stick is plugged in again. No network, no sockets.

With --qemu the stick is QEMU's mps2-an505 (Cortex-M33), with what is frozen into a board: slower, and the same machine
code. Its flash image is a file of 16 MiB (boards/qemu/control.h), of which the first 4 are the chip.

Exit status: 0 stopped or unplugged, 75 the power was cut by --cut-at, otherwise the firmware's own.
"""

import argparse
import ctypes
import json
import os
import pathlib
import random
import select
import signal
import socket
import subprocess
import sys
import termios
import time
import tty

import build_qemu
import run_qemu

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "emulator"
SIZES = {"4M": 4 << 20, "16M": 16 << 20}
RESET_HOLD_MS = 5000
PR_SET_PDEATHSIG = 1
WAITING_BYTES = 65536  # held by the relay in each direction at most


def arguments():
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--flash", required=True, type=pathlib.Path, help="flash image, made when absent")
    parser.add_argument("--size", choices=sorted(SIZES), default="4M", help="size of a new image (default 4M)")
    parser.add_argument("--link", type=pathlib.Path, help="symbolic link to the port, the same at every plugging in")
    parser.add_argument("--lose", type=float, default=0.0, metavar="RATE", help="share of bytes lost on the line")
    parser.add_argument("--corrupt", type=float, default=0.0, metavar="RATE", help="share of bytes corrupted")
    parser.add_argument("--delay", type=float, default=0.0, metavar="MS", help="delay of the line, each way")
    parser.add_argument("--seed", type=int, default=1, help="for --lose and --corrupt")
    parser.add_argument("--cut-at", type=int, default=0, metavar="N", help="cut power at the N-th flash operation")
    parser.add_argument("--press-button", type=int, default=0, metavar="MS", help="hold the button while plugging in")
    parser.add_argument("--factory-reset", action="store_true", help="hold it long enough to erase everything")
    parser.add_argument("--qemu", action="store_true", help="on QEMU's Cortex-M33 (4M only)")
    parser.add_argument("--count", action="store_true", help="with --qemu: time goes with the instructions")
    parser.add_argument("--interpreter", type=pathlib.Path, default=BUILD / "stick", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.qemu and options.size != "4M":
        parser.error("--qemu has a chip of 4M")
    return options


class Line:
    """One direction of the serial line: loses, corrupts and delays bytes."""

    def __init__(self, source, target, options, rng):
        self.source = source
        self.target = target
        self.lose = options.lose
        self.corrupt = options.corrupt
        self.delay_s = options.delay / 1000
        self.rng = rng
        self.waiting = []  # (time, bytes)
        self.size = 0

    def wants(self):
        return self.size < WAITING_BYTES

    def take(self):
        try:
            data = os.read(self.source, 4096)
        except OSError:  # the interpreter has just ended: its pid says so in a moment
            time.sleep(0.005)
            return
        data = bytes(self.damaged(byte) for byte in data if self.lose == 0 or self.rng.random() >= self.lose)
        if data:
            self.waiting.append((time.monotonic() + self.delay_s, data))
            self.size += len(data)

    def damaged(self, byte):
        if self.corrupt and self.rng.random() < self.corrupt:
            return byte ^ (1 << self.rng.randrange(8))
        return byte

    def due(self):
        return self.waiting[0][0] if self.waiting else None

    def give(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            when, data = self.waiting.pop(0)
            try:
                count = os.write(self.target, data)
            except OSError:  # full, or just ended
                count = 0
            self.size -= count
            if count < len(data):
                self.waiting.insert(0, (when, data[count:]))
                return


def pseudo_terminal():
    """(master, slave), raw, the master not blocking."""
    master, slave = os.openpty()
    tty.setraw(slave, termios.TCSANOW)
    os.set_blocking(master, False)
    return master, slave


def make_image(path, size):
    """An erased chip, when there is none. It appears complete or not at all."""
    if not path.exists():
        new = path.with_name(path.name + ".new")
        new.write_bytes(b"\xff" * size)
        new.rename(path)


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def button_ms(options):
    return RESET_HOLD_MS + 1000 if options.factory_reset else options.press_button


def start_interpreter(options, master):
    heap = (BUILD / "heapsize").read_text().strip()
    command = [str(options.interpreter), "-X", "heapsize=" + heap, "-m", "firmware.main"]
    command += [str(options.flash), str(master)]
    if options.cut_at:
        command += ["--cut-at", str(options.cut_at)]
    if button_ms(options):
        command += ["--button", str(button_ms(options))]
    environment = {**os.environ, "MICROPYPATH": os.environ.get("MICROPYPATH", ".frozen")}
    return start(command, master, environment)


def start_qemu(options, link):
    shared = run_qemu.Shared(options.flash)
    shared.prepare(chip_bytes=SIZES[options.size], cut_at=options.cut_at, button_ms=button_ms(options))
    machine = build_qemu.OUT / "stick.elf"
    return start(
        run_qemu.command(machine, options.flash, f"socket,fd={link}", "stdio,signal=off", options.count), link, None
    )


def start(command, link, environment):
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        pass_fds=(link,),
        preexec_fn=die_with_parent,
        env=environment,
    )


def relay(lines, child_end):
    """Moves bytes between the two ends until the interpreter is gone."""
    while True:
        due = [line.due() for line in lines if line.due() is not None]
        wait = max(0.0, min(due) - time.monotonic()) if due else None
        readers = [line.source for line in lines if line.wants()] + [child_end]
        ready, _, _ = select.select(readers, [], [], wait)
        if child_end in ready:
            return
        for line in lines:
            if line.source in ready:
                line.take()
            line.give()
        if wait == 0.0:
            time.sleep(0.001)  # the other end takes nothing: a full pipe


def watch(child):
    """A descriptor that becomes readable when the process ends."""
    return os.pidfd_open(child.pid)


def ends(options, master):
    """(what the stick has, our end of it or None when that is the port itself)."""
    if options.qemu:
        ours, theirs = (end.detach() for end in socket.socketpair())
    elif options.lose or options.corrupt or options.delay:
        theirs, ours = pseudo_terminal()
    else:
        return master, None
    os.set_blocking(ours, False)
    return theirs, ours


def main():
    options = arguments()
    if options.qemu and not (build_qemu.OUT / "stick.elf").exists():
        sys.exit("The firmware for QEMU is not built yet: run `make qemu`.")
    if not options.qemu and not options.interpreter.exists():
        sys.exit("The stick's interpreter is not built yet: run `make emulator`.")
    make_image(options.flash, SIZES[options.size])
    master, port = pseudo_terminal()
    theirs, ours = ends(options, master)
    child = (start_qemu if options.qemu else start_interpreter)(options, theirs)
    os.close(theirs)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: child.kill())
    name = os.ttyname(port)
    if options.link:
        options.link.unlink(missing_ok=True)
        options.link.symlink_to(name)
    print(json.dumps({"port": str(options.link or name), "pid": child.pid}), flush=True)
    try:
        if ours is not None:
            rng = random.Random(options.seed)
            relay([Line(master, ours, options, rng), Line(ours, master, options, rng)], watch(child))
        status = child.wait()
    finally:
        if options.link and options.link.is_symlink() and os.readlink(options.link) == name:
            options.link.unlink()
    sys.exit(0 if status == -signal.SIGKILL else status)


if __name__ == "__main__":
    main()
