"""gdb commands that know goroutines: on a live process or a core, of a program with debug information.

    (gdb) source tools/trine-gdb.py
    (gdb) info goroutines           number, state, name, function; * marks the one of the current thread
    (gdb) goroutine N bt            any gdb command in the place of goroutine N; N may be "all"
    (gdb) info ps                   each P: its state, thread, current goroutine and queue

A goroutine that runs is its thread: the command runs there. One that waits has its stack and three saved words
(struct ctx); an unwinder shows these to gdb as the caller of the current thread's innermost frame, which is then cut off. No
register is written, so a core serves as well as a process, and nothing has to be put back. (A core that the kernel wrote: gdb's own
generate-core-file stops at the guard page of the first stack.)
"""
import collections
import re

import gdb
from gdb.unwinder import Unwinder, register_unwinder

STATES = {0: 'idle', 1: 'runnable', 2: 'running', 3: 'syscall', 4: 'waiting', 6: 'dead', 9: 'preempted'}
SCAN = 0x1000
IDLE, RUNNABLE, RUNNING, SYSCALL, WAITING, DEAD, PREEMPTED = 0, 1, 2, 3, 4, 6, 9
P_STATES = ('idle', 'running', 'stopped', 'dead')
SMALLEST_STACK = 2048  # RT_STACK_MIN_BYTES: class 0
FrameId = collections.namedtuple('FrameId', 'sp pc')
REGISTERS = {'i386:x86-64': ('rip', 'rsp', 'rbp'), 'aarch64': ('pc', 'sp', 'x29')}


def value(expression):
    try:
        return gdb.parse_and_eval(expression)
    except gdb.error as error:
        raise gdb.GdbError(f'this program has no debug information of libtrine ({error})')


def atomic(field):
    return int(field['v'])


def pointer(field, kind):
    return field['v'].cast(gdb.lookup_type(kind).pointer())


def symbol(address):
    """name+offset of a code address, as gdb knows it."""
    text = gdb.execute(f'info symbol {int(address):#x}', to_string=True).split(' in section')[0].strip()
    return f'{int(address):#x}' if text.startswith('No symbol') else text.replace(' + ', '+')


def wait_reason(number):
    for field in gdb.lookup_type('enum waitreason').fields():
        if field.enumval == number:
            return field.name[3:].lower().replace('_', ' ')
    return f'reason {number}'


class Goroutine:
    def __init__(self, g):
        self.g = g
        self.id = int(g['goid'])
        self.status = atomic(g['status']) & ~SCAN
        self.stopped = int(g['async']) != 0  # its thread stands in the preemption handler

    def thread(self):
        """The gdb thread that it runs on, or None."""
        if self.stopped:
            m = self.g['lockedm']
        elif self.status in (RUNNING, SYSCALL, PREEMPTED):
            m = self.g['m']
        else:
            return None
        tid = atomic(m['tid']) if int(m) else 0
        for thread in gdb.selected_inferior().threads():
            if tid and tid in thread.ptid[1:]:
                return thread
        return None

    def state(self):
        if self.stopped:
            return 'preempted'
        return wait_reason(int(self.g['waitreason'])) if self.status == WAITING else STATES.get(self.status, '?')

    def __str__(self):
        name = self.g['name'].string(errors='replace') if int(self.g['name']) else ''
        locked = ', locked' if int(self.g['lockedcount']) else ''
        return f'{self.id:<6} {self.state() + locked:<24} {symbol(self.g["fn"]):<28} {name}'.rstrip()


def g_of_slot(low, high, guarded):
    """As rt_gofslot in g.c."""
    kind = gdb.lookup_type('struct g')
    colour = (low >> 12) % int(gdb.parse_and_eval('COLOURS')) * int(gdb.parse_and_eval('COLOUR_BYTES')) if guarded else 0
    address = (high - colour - kind.sizeof) & ~63
    return gdb.Value(address).cast(kind.pointer()).dereference()


def goroutines():
    found = []
    arena = value("'stack.c'::arenas")
    while int(arena):
        base, stride = int(arena['base']), int(arena['stride'])
        guard = stride - (SMALLEST_STACK << int(arena['cls']))
        for i in range(int(arena['used']) if int(arena['open']) else 0):
            g = Goroutine(g_of_slot(base + i * stride + guard, base + (i + 1) * stride, guard > 0))
            if g.status not in (IDLE, DEAD):
                found.append(g)
        arena = arena['next']
    return sorted(found, key=lambda g: g.id)


def chosen(text):
    everybody = goroutines()
    if text == 'all':
        return everybody
    if not text.isdigit():
        raise gdb.GdbError(f'"{text}" is no number of a goroutine; usage: goroutine N|all COMMAND')
    found = [g for g in everybody if g.id == int(text)]
    if not found:
        raise gdb.GdbError(f'there is no goroutine {text}; see "info goroutines"')
    return found


class ParkedUnwinder(Unwinder):
    """The caller of the innermost frame is the parked goroutine, while one is chosen."""

    def __init__(self):
        super().__init__('trine goroutines')
        self.g = None
        self.at = None

    def __call__(self, pending):
        names = REGISTERS.get(pending.architecture().name())
        if self.g is None or names is None:
            return None
        values = [pending.read_register(name) for name in names]
        if self.at != (int(values[0]), int(values[1])):
            return None
        info = pending.create_unwind_info(FrameId(values[1], values[0]))
        for name, old, field in zip(names, values, ('pc', 'sp', 'fp')):
            info.add_saved_register(name, gdb.Value(int(self.g['ctx'][field])).cast(old.type))
        return info

    def choose(self, g):
        self.g = None
        gdb.invalidate_cached_frames()
        if g is not None:
            frame = gdb.newest_frame()
            names = REGISTERS.get(frame.architecture().name())
            if names is None:
                raise gdb.GdbError(f'parked goroutines are not known on {frame.architecture().name()}')
            self.at = tuple(int(frame.read_register(name)) for name in names[:2])
            self.g = g
            gdb.invalidate_cached_frames()


UNWINDER = ParkedUnwinder()
register_unwinder(None, UNWINDER, replace=True)


def without_first_frame(text):
    """Output of bt from #1 on, renumbered from #0."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith('#1 ')]
    if not starts:
        return text
    return '\n'.join(re.sub(r'^#(\d+)', lambda m: f'#{int(m.group(1)) - 1}', line) for line in lines[starts[0]:])


def run_in(goroutine, command):
    """The command's output in the place of the goroutine; the selected thread and frame stay as they are."""
    before = gdb.selected_thread()
    thread = goroutine.thread()
    backtrace = command.split()[0] in ('bt', 'backtrace', 'where')
    try:
        if thread is not None:
            thread.switch()
            return gdb.execute(command, to_string=True)
        UNWINDER.choose(goroutine.g)
        gdb.newest_frame().older().select()
        text = gdb.execute(command, to_string=True)
        return without_first_frame(text) if backtrace else text
    finally:
        UNWINDER.choose(None)
        if before is not None:
            before.switch()


class InfoGoroutines(gdb.Command):
    """List all goroutines: number, state, function, name."""

    def __init__(self):
        super().__init__('info goroutines', gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        current = gdb.selected_thread()
        for g in goroutines():
            thread = g.thread()
            mark = '*' if thread is not None and current is not None and thread.num == current.num else ' '
            print(f'{mark} {g}' + (f'  (thread {thread.num})' if thread is not None else ''))


class GoroutineCommand(gdb.Command):
    """goroutine N|all COMMAND: run a gdb command in the place of goroutine N, "bt" for instance."""

    def __init__(self):
        super().__init__('goroutine', gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = argument.split(None, 1)
        if len(words) != 2:
            raise gdb.GdbError('usage: goroutine N|all COMMAND')
        for g in chosen(words[0]):
            if words[0] == 'all':
                print(f'\ngoroutine {g}')
            print(run_in(g, words[1]).rstrip())


class InfoPs(gdb.Command):
    """List all Ps: state, thread, current goroutine, goroutines that stand in the queue."""

    def __init__(self):
        super().__init__('info ps', gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        sched = value('rt_sched')
        for i in range(atomic(sched['nprocs'])):
            p = sched['allp'][i].dereference()
            m = pointer(p['m'], 'struct m')
            g = pointer(m['curg'], 'struct g') if int(m) else m
            queued = (atomic(p['runqtail']) - atomic(p['runqhead'])) % 2**32 + (1 if int(p['runnext']['v']) else 0)
            print(f'P{i}  {P_STATES[atomic(p["status"])]:<8} thread {atomic(m["tid"]) if int(m) else "none"}  '
                  f'goroutine {int(g["goid"]) if int(g) and int(g["goid"]) else "none"}  queued {queued}')
        print(f'global queue {int(sched["runq"]["n"])}')


InfoGoroutines()
GoroutineCommand()
InfoPs()
