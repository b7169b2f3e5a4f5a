"""A service and its caller whom somebody else's fault must not disturb."""

from .figures import Repeated, print_figures
from .payload import part_bytes
from .service import rpc

SLOWEST_CALL = 5  # seconds, on a slow machine


class Neighbours(Repeated):
    """Calls `service`, which has the method `echo`, all the time while the block runs, and holds how long that takes.
    `what` says what happens meanwhile."""

    def __init__(self, gateway, service, what):
        super().__init__(self._call)
        self._gateway, self._service, self._what = gateway, service, what

    def _call(self):
        response = self._gateway.call(rpc("echo", "hi"), connection=self._service.connection_id, timeout=10)
        assert response.status_code == 200, response.text
        assert part_bytes(response.json()) == b'"hi"'

    def __exit__(self, *failure):
        super().__exit__(*failure)
        if failure[0] is None:
            print_figures(f"a neighbour's calls while {self._what}", **self.figures())
            assert max(self.seconds) < SLOWEST_CALL
