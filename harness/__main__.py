"""`python -m harness` is `brownout`."""

from .cli import main

if __name__ == "__main__":
    main()
