from stapes.cli.main import main

raise SystemExit(main())
