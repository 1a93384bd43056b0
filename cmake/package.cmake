# SPDX-License-Identifier: Apache-2.0
# Puts what a build of the firmware needs, and the shipped models, into a wheel (stapes/installed.py
# finds them there). An editable install reads them from the checkout.
if(SKBUILD_STATE STREQUAL "editable")
  return()
endif()
set(tree stapes/tree)
install(FILES CMakeLists.txt pyproject.toml LICENSE stapes_tree.txt DESTINATION ${tree} COMPONENT python)
install(DIRECTORY firmware cmake DESTINATION ${tree} COMPONENT python)
# Without what checks the page's sources.
install(DIRECTORY boards DESTINATION ${tree} COMPONENT python
        PATTERN node_modules EXCLUDE PATTERN __pycache__ EXCLUDE PATTERN "*.json" EXCLUDE
        PATTERN "*.py" EXCLUDE PATTERN eslint.config.js EXCLUDE PATTERN .npmrc EXCLUDE)
install(DIRECTORY models DESTINATION ${tree} COMPONENT python
        FILES_MATCHING PATTERN model.tflite PATTERN card.json PATTERN attribution.txt)
