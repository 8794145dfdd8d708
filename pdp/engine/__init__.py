"""Engines that evaluate policy behind `pdp.ports.Engine`."""
