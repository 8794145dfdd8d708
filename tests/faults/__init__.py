"""Tests that break things under a running service: crashes, disks, floods, its own engine."""
