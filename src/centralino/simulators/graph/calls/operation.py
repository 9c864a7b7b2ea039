# SPDX-License-Identifier: Apache-2.0
"""Operations: what an application asked of a call and is told of when it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.simulators.graph.calls.orders import Reply
from centralino.wire.graph.result import ResultInfo
from centralino.wire.graph.states import OperationStatus

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall
    from centralino.simulators.graph.calls.orders import Order

Json = dict[str, object]
DONE = ResultInfo(200, 0, "Action completed successfully.")
CANCELLED = ResultInfo(400, 8508, "Action failed, the operation was cancelled.")


@dataclass(slots=True, eq=False)
class Operation:
    """One of them."""

    id: str
    kind: str
    """Without the prefix of the namespace: ``playPromptOperation``."""
    call: ServiceCall
    client_context: str | None = None
    status: OperationStatus = OperationStatus.RUNNING
    result: ResultInfo | None = None
    members: Json = field(default_factory=dict)
    """What the kind has beside the common members."""

    @property
    def is_over(self) -> bool:
        """Whether it is completed or failed."""
        return self.status in {OperationStatus.COMPLETED, OperationStatus.FAILED}

    def write(self) -> Json:
        """Return it as JSON has it."""
        return {
            "@odata.type": f"#microsoft.graph.{self.kind}",
            "id": self.id,
            "status": self.status.value,
            "clientContext": self.client_context,
            "resultInfo": self.result.write() if self.result is not None else None,
            **self.members,
        }

    def finish(self, result: ResultInfo = DONE, **members: object) -> None:
        """It is done, well or badly; its application is told once."""
        if self.is_over:
            return
        is_good = result.is_success
        self.status = OperationStatus.COMPLETED if is_good else OperationStatus.FAILED
        self.result = result
        self.members |= members
        self.call.operation_finished(self)


def reply_with(order: Order, operation: Operation, status: int) -> Reply:
    """Answer with an operation and its address."""
    where = f"{order.base_url}/communications/calls/{operation.call.id}/operations/{operation.id}"
    return Reply(status, operation.write(), where)
