// SPDX-License-Identifier: Apache-2.0
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["node_modules/"] },
  js.configs.recommended,
  {
    files: ["page/*.js"],
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-shadow": "error",
      "no-implicit-coercion": "error",
    },
  },
  { files: ["page/sw.js"], languageOptions: { globals: { ...globals.serviceworker } } },
  { files: ["page/*.worklet.js"], languageOptions: { globals: { ...globals.audioWorklet } } },
];
