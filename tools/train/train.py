#!/usr/bin/env python3
"""Fits the generic model: is `name = value` a credential of an unknown kind?

    tools/train/train.py            # prints precision and recall of the weights in use and of newly fitted ones
    tools/train/train.py --write    # and writes src/detect/model/weights.rs where the fitted ones are no worse

Samples are generated from word lists and alphabets with a fixed seed: nothing is taken from other scanners, from leaks or from
labelled collections. The features are the program's own (`examples/model-features.rs`). A logistic regression is fitted with
the weights in use as its prior, so that it moves only what the samples speak about; medium confidence is even odds.
A sixth of the names is held back for the figures. Python's standard library only.
"""
import argparse
import json
import math
import os
import random
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = os.path.join(ROOT, 'src/detect/model/weights.rs')
MEDIUM = 5.0   # points of even odds, as in src/detect/model/mod.rs
PRIOR = 1500.0  # how many samples' worth the weights in use count
EPOCHS = 60

LOWER, UPPER, DIGITS = 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '0123456789'
WORDS = '''account active address agent amount answer archive author balance basket batch billing bridge bucket builder button cache
calendar camera canvas channel check city client cloud cluster column command comment company context control counter country
credit customer data database date delivery design device dialog direct document domain draft driver editor element email engine
entry error event export factory feature field file filter folder footer format forward frame function gateway group handler
header history holiday image import index input invoice item job journal label language layer layout leader ledger level library
link list load location logger machine manager market master matrix member memory menu merge message metric mirror mobile model
module monitor network node notice number object offer office option order origin owner package page panel parent parser partner
pattern payment period person phone picture planet player plugin point policy portal post price print private process product
profile project property provider proxy public query queue reader record region register release remote render reply report
request reset resource response result return review role router rule sample scanner schedule schema screen script search section
segment sender series server service session setting shape share shipping signal site size socket source stage state station
status storage store stream string style subject submit summary support switch symbol system table target task team template
terminal theme thread ticket time title topic track traffic trigger type update upload user value vendor version video view
viewer volume wallet warning widget window worker writer zone'''.split()
PLAIN = 'the a your this for with please enter must be new valid is was not found of and to has expired again'.split()
OWNERS = '''acme brightlane quantix novaforge zephyrly oakdata helioport mintfox rivetly harborworks paperkite stackwise lumenra tidepool
orbitly fernwood billing crm mailer search maps payments analytics warehouse reports backup monitoring staging prod main'''.split()
CREDENTIALS = '''api_key token secret access_token client_secret auth_token app_key secret_key webhook_secret signing_secret license_key
key api_token private_key access_key api_secret credentials bearer_token integration_key refresh_token encryption_key apikey'''.split()
PASSWORDS = 'password passwd db_password smtp_password admin_password pwd root_password pass'.split()
ABOUT = '''token_type secret_name password_file api_key_id token_url password_min_length key_alias token_ttl secret_path password_hint
public_key password_label token_count next_page_token csrf_token cancellation_token password_policy secret_ref key_type token_length
password_reset_url key_size cache_key sort_key primary_key'''.split()
CONFIG = ['app.env', 'config.yaml', 'config.toml', 'app.ini', 'app.properties', 'settings.json']
CODE = ['main.py', 'app.js', 'main.go', 'App.java', 'app.rb', 'Program.cs', 'main.rs', 'app.kt', 'index.ts', 'index.php']
OTHER = ['run.sh', 'notes.txt', 'Dockerfile']


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def any(self, choices):
        return self.random.choice(choices)

    def chars(self, alphabet, low, high=None):
        return ''.join(self.any(alphabet) for _ in range(self.random.randint(low, high or low)))

    def case(self, name, path):
        words = name.split('_')
        if path in CODE and self.random.random() < 0.6:
            return words[0] + ''.join(word.title() for word in words[1:])
        return name.upper() if self.random.random() < 0.5 else name

    def random_value(self):
        return self.any([
            lambda: self.chars('0123456789abcdef', self.any([24, 32, 32, 40, 48, 64])),
            lambda: self.chars(LOWER + UPPER + DIGITS, 20, 64),
            lambda: self.chars(LOWER + DIGITS, 20, 40),
            lambda: self.chars(UPPER + DIGITS, 20, 32),
            lambda: self.chars(LOWER + UPPER + DIGITS + '-_', 24, 60),
            lambda: self.chars(LOWER + UPPER + DIGITS + '+/', 42) + 'a=',
            lambda: self.chars(LOWER, 2, 4) + '_' + self.any(['live', 'prod', 'sk', 'key']) + '_' + self.chars(LOWER + UPPER + DIGITS, 20, 40),
            lambda: self.chars(LOWER, 30, 40),
            lambda: self.chars(LOWER + UPPER, 24, 40),
            lambda: self.uuid(),
        ])()

    def uuid(self):
        return '-'.join(self.chars('0123456789abcdef', n) for n in (8, 4, 4, 4, 12))

    def password(self):
        return self.any([
            lambda: self.chars(LOWER + UPPER + DIGITS + '!@#%^*-_', 8, 20),
            lambda: self.any(WORDS).title() + self.chars(DIGITS, 2, 4) + self.any(['', '!', '#']),
            lambda: self.any(WORDS) + self.any('-_.') + self.any(WORDS) + self.chars(DIGITS, 2),
            lambda: self.chars(LOWER + DIGITS, 9, 14) + self.any(DIGITS),
        ])()

    def weak_password(self):
        return self.any([
            lambda: self.any(WORDS) + self.any(['', '-']) + self.any(WORDS),
            lambda: self.chars(LOWER, 6, 10),
            lambda: self.any(WORDS) + self.any(WORDS).title() + self.any(WORDS).title(),
            lambda: self.chars(LOWER, 1) + '-' + self.any(WORDS),
        ])()

    def harmless(self):
        words = lambda n: [self.any(WORDS) for _ in range(n)]
        return self.any([
            lambda: ' '.join(self.any(PLAIN + WORDS) for _ in range(self.random.randint(3, 9))).capitalize() + self.any(['', '.', ':', '!']),
            lambda: '_'.join(words(self.random.randint(2, 4))),
            lambda: '-'.join(words(self.random.randint(2, 4))),
            lambda: ''.join(word.title() for word in words(self.random.randint(2, 4))),
            lambda: '.'.join(words(3)),
            lambda: '/' + '/'.join(words(3)),
            lambda: 'https://' + self.any(WORDS) + '.test/' + self.any(WORDS),
            lambda: str(self.random.randint(0, 10 ** self.random.randint(1, 9))),
            lambda: '.'.join(str(self.random.randint(0, 30)) for _ in range(3)),
            lambda: self.any(WORDS) + '(' + self.any(WORDS) + ')',
            lambda: self.any(WORDS) + '.' + self.any(WORDS) + '()',
            lambda: '^[a-zA-Z0-9]{' + str(self.random.randint(4, 30)) + ',}$',
            lambda: self.any(WORDS),
        ])()

    def sample(self):
        kind = self.random.random()
        path = self.any(CONFIG * 3 + CODE * 2 + OTHER * 2)
        owner = self.any(OWNERS)
        quoted = path in CODE or self.random.random() < 0.4
        if kind < 0.35:
            return owner, path, owner + '_' + self.any(CREDENTIALS), self.random_value(), quoted, True
        if kind < 0.5:
            # In settings a password is what stands there, however weak; in code a word is a key or a label.
            value = self.weak_password() if path in CONFIG and self.random.random() < 0.3 else self.password()
            return owner, path, self.any(['', owner + '_']) + self.any(PASSWORDS), value, quoted, True
        if kind < 0.75:
            name = self.any(['', owner + '_']) + self.any(CREDENTIALS if path in CONFIG else CREDENTIALS + PASSWORDS)
            return owner, path, name, self.harmless(), quoted, False
        if kind < 0.92:
            value = self.any([self.random_value, self.harmless, self.uuid])()
            return owner, path, owner + '_' + self.any(ABOUT), value, quoted, False
        value = self.any(['request', 'config', 'self', 'args', 'user']) + '.' + self.any(WORDS)
        return owner, self.any(CODE), owner + '_' + self.any(CREDENTIALS + PASSWORDS), value, False, False


def features(samples):
    lines = ''.join(json.dumps(dict(path=p, name=n, value=v, quoted=q)) + '\n' for _, p, n, v, q, _ in samples)
    run = subprocess.run(['cargo', 'run', '--quiet', '--example', 'model-features'], cwd=ROOT, input=lines.encode(), capture_output=True)
    if run.returncode != 0:
        raise SystemExit(run.stderr.decode())
    return [json.loads(line) for line in run.stdout.splitlines()]


def measure(rows, weights):
    counts = dict(tp=0, fp=0, fn=0, tn=0)
    for values, label in rows:
        said = sum(weights[name] * value for name, value in values.items()) >= MEDIUM
        counts[('tp' if label else 'fp') if said else ('fn' if label else 'tn')] += 1
    precision = counts['tp'] / max(1, counts['tp'] + counts['fp'])
    recall = counts['tp'] / max(1, counts['tp'] + counts['fn'])
    return precision, recall, counts


def fit(rows, prior):
    weights = dict(prior)
    pull = PRIOR / len(rows)
    order = list(rows)
    shuffler = random.Random(1)
    for epoch in range(EPOCHS):
        rate = 0.05 / (1 + epoch / 10)
        shuffler.shuffle(order)
        for values, label in order:
            score = sum(weights[name] * value for name, value in values.items()) - MEDIUM
            error = label - 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
            for name, value in values.items():
                weights[name] += rate * (error * value - pull * (weights[name] - prior[name]))
    return weights


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--write', action='store_true')
    parser.add_argument('--samples', type=int, default=20000)
    parser.add_argument('--seed', type=int, default=20240601)
    options = parser.parse_args()
    table = open(TABLE).read()
    prior = {name: float(weight) for name, weight in re.findall(r'^    (\w+) = (-?[\d.]+),$', table, re.M)}
    generator = Generator(options.seed)
    samples = [generator.sample() for _ in range(options.samples)]
    held = set(OWNERS[::6])
    train, test, unasked = [], [], 0
    for sample, values in zip(samples, features(samples)):
        if values is None:
            unasked += 1
            continue
        (test if sample[0] in held else train).append((values, int(sample[5])))
    fitted = {name: round(weight, 2) for name, weight in fit(train, prior).items()}
    print(f'{len(train)} samples to fit, {len(test)} held back, {unasked} that the model is not asked about')
    figures = {}
    for title, weights in (('in use', prior), ('fitted', fitted)):
        figures[title] = precision, recall, counts = measure(test, weights)
        print(f'{title}: precision {100 * precision:.1f}%, recall {100 * recall:.1f}%  {counts}')
    for name in prior:
        if abs(fitted[name] - prior[name]) >= 0.3:
            print(f'  {name:18s} {prior[name]:6.2f} -> {fitted[name]:6.2f}')
    worse = figures['fitted'][0] < figures['in use'][0] or figures['fitted'][1] < figures['in use'][1]
    if options.write and not worse:
        table = re.sub(r'^    (\w+) = (-?[\d.]+),$', lambda m: f'    {m[1]} = {fitted[m[1]]},', table, flags=re.M)
        open(TABLE, 'w').write(table)
        print('written')
    elif options.write:
        print('not written: worse than the weights in use')


if __name__ == '__main__':
    main()
