"""`python -m pdp` is the command line."""

from pdp.cli.main import main

if __name__ == "__main__":
    main()
