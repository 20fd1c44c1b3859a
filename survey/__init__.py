"""Run preference studies: participants compare results of methods in the browser."""
