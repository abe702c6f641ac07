import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules"] },
  {
    files: ["src/**/*.ts"],
    extends: [eslint.configs.recommended, ...tseslint.configs.strict],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "no-restricted-properties": ["error",
        { property: "innerHTML", message: "text only ever becomes text: use dom.ts" },
        { property: "outerHTML", message: "text only ever becomes text: use dom.ts" },
        { property: "insertAdjacentHTML", message: "text only ever becomes text: use dom.ts" }],
      "max-lines": ["error", 400],
    },
  },
);
