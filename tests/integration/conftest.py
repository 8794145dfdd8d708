"""Real input for integration tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def agentdojo(shared_cases: Path) -> dict[str, Any]:
    """Recorded agent tasks with their tools, calls and outputs."""
    loaded: dict[str, Any] = json.loads((shared_cases / "agentdojo_dev.json").read_text())
    return loaded


@pytest.fixture(scope="session")
def github_tools(shared_cases: Path) -> list[dict[str, Any]]:
    """The tools of a large MCP server."""
    loaded: dict[str, Any] = json.loads((shared_cases / "github_mcp_tools.json").read_text())
    tools: list[dict[str, Any]] = loaded["tools"]
    return tools
