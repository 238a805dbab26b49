"""An OpenAI-compatible upstream in a process of its own that misbehaves as it is asked to.

`python -m tests.upstream --port 0` prints the port it listens on. The model's name says how it answers:

- `fault:NAME` fails as `faults.FAULTS[NAME]` does; `fault:NAME:2` twice, and then answers;
  `fault:NAME:-2` answers twice, and then fails;
- `mixed:N` fails N times in a hundred, in a way that is drawn by lot and may pass, and else echoes;
- `words:N` or `words:N:GAP` says N words, GAP seconds apart;
- `slow:SECONDS` waits before it echoes;
- `told` does what the question's first word says, until `POST /heal`, after which it echoes, until `POST /break`;
- any other model echoes the last user message, word by word where it is streamed.

`GET /stats` counts, `GET /last` gives the last request's body, `POST /reset` forgets both.
"""
