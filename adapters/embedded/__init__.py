"""A real PostgreSQL under a data directory, run as a child of this process.

What it promises, and how:

*Nothing leaks.* The postmaster asks the kernel (``prctl(PR_SET_PDEATHSIG)``) for a fast shutdown
when its parent dies, so ``kill -9`` of this process ends it too. The signal is tied to the *thread*
that forked, which is why ``start`` insists on the main thread. Elsewhere than on Linux there is no
such signal: a server orphaned there is reported at the next start, with the command that ends it.

*One owner at a time.* The owner holds a ``flock`` on ``postgres/lock``; the kernel drops it with the
process, so it is never stale and works across containers that share a volume. A second process
attaches to the owner's server. When the owner stops, the attached process's server is gone:
``restart_if_dead`` then takes the lock and becomes the owner.

*The terminal cannot stop it.* It has a session of its own, so Ctrl-C reaches only us, and we stop
the database last.

*Root in a closed home.* PostgreSQL refuses to run as root, and no other user may walk into a
root-only (0700) directory, yet data and socket have to lie there. So the child changes its working
directory into the data directory while it still is root, then becomes the directory's owner
(``nobody`` for a new one), and addresses everything from there: ``-D /proc/self/cwd``, a link the
kernel follows without walking the path, and the socket directory as ``../run``. This needs no mount,
no namespace and no capability beyond changing the user, so it works in a plain container. Ambient
CAP_DAC_READ_SEARCH would do as well but container runtimes withhold it; a symbolic link to a place
outside would move the data away from where its owner asked for it. The binaries cannot be reached
that way (PostgreSQL resolves its own full path to find its libraries), so the needed part of them,
about 20 MB, is copied once to a root-owned cache directory. Nobody's permissions are widened.
"""

from adapters.embedded.binaries import find_installation
from adapters.embedded.errors import EmbeddedPostgresError
from adapters.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "find_installation"]
