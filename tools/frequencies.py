#!/usr/bin/env python3
"""Counts how frequent three and four characters in a row are in documentation, programs and their sources.

    tools/frequencies.py FOLDERS... > src/detect/prefilter/frequencies.rs

Each argument is a group of folders joined by `:`, and counts as much as any other. What the table in use was counted over:
/usr/share/doc, /usr/share/man and /usr/share/info of Debian; /usr/include with sources of Rust; the library of Python; modules of
Node; programs and libraries of Debian; modules of Go; the Google Cloud SDK. The prefilter's choice of places where to look for a
literal is all that depends on it.
"""
import collections
import os
import sys

BYTES = 8 << 20          # of each group, from every third file
FILE = 1 << 20
LEAST = {3: 3, 4: 4}     # logarithm of the occurrences in a MB from which on a sequence is listed
CHARACTERS = b'abcdefghijklmnopqrstuvwxyz0123456789_ -./:='
FOLD = bytes(byte | 0x20 for byte in range(256)).replace(b'\x7f', b'_')
PACKED = (b'\x1f\x8b', b'PK', b'\x89PNG', b'!<arch')


def texts(folders):
    left, number = BYTES, 0
    for folder in folders.split(':'):
        for path, below, names in os.walk(folder):
            below.sort()
            for name in sorted(names):
                full = os.path.join(path, name)
                if os.path.islink(full) or not os.path.isfile(full):
                    continue
                number += 1
                if number % 3:
                    continue
                with open(full, 'rb') as file:
                    text = file.read(FILE)
                if text.startswith(PACKED):
                    continue
                left -= len(text)
                yield text.translate(FOLD)
                if left <= 0:
                    return


def count(groups, length):
    sums = collections.Counter()
    for group in groups:
        counts, total = collections.Counter(), 0
        for text in texts(group):
            counts.update(zip(*(text[at:] for at in range(length))))
            total += len(text)
        for sequence, number in counts.items():
            if all(byte in CHARACTERS for byte in sequence):
                sums[bytes(sequence)] += number * 1e6 / total / len(groups)
    classes = collections.defaultdict(list)
    for sequence, number in sums.items():
        if number >= 1 << LEAST[length]:
            classes[int(number).bit_length() - 1].append(sequence.decode())
    return [(least, sorted(classes[least])) for least in sorted(classes)]


def table(name, length, groups):
    print(f'\n/// {"Three" if length == 3 else "Four"} characters: at least two to the power of the number times in a megabyte, one after the other.')
    print(f'pub(super) const {name}: &[(u32, &str)] = &[')
    width = 120 // length * length
    for least, sequences in count(groups, length):
        joined = ''.join(sequences)
        for at in range(0, len(joined), width):
            print(f'    ({least}, "{joined[at:at + width]}"),')
    print('];')


print('//! How frequent characters in a row are in documentation, programs and their sources, in lower case. Made by `tools/frequencies.py`.')
table('THREES', 3, sys.argv[1:])
table('FOURS', 4, sys.argv[1:])
