# SPDX-License-Identifier: Apache-2.0
from stapes.cli.main import main

raise SystemExit(main())
