from stapes.cli import main

raise SystemExit(main())
