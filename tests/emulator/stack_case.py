"""Nests until an error says that it is too deep; prints how deep, for three kinds of nesting. Run by test_stack.py."""

depth = 0


def small(n):
    global depth
    depth = n
    small(n + 1)


def large(n, a=0, b=0, c=0, d=0, e=0, f=0, g=0, h=0, i=0, j=0, k=0, m=0, o=0, p=0, q=0, r=0):
    global depth
    depth = n
    large(n + 1)


def generator(n):
    global depth
    depth = n
    yield from generator(n + 1)


for run in (small, large, lambda n: list(generator(n))):
    try:
        run(1)
    except RuntimeError as error:
        print(depth, error)
