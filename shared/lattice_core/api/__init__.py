"""Operations with names: plain values in, plain values out, errors with a code. The caller renders and waits."""
