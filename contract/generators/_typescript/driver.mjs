// What is done in Node: openapi-typescript and the compiler, both from the tools folder and from nowhere else.
// `node driver.mjs JOB ANSWER`: two files of JSON, so that nothing that a tool prints is mistaken for the answer.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const job = JSON.parse(readFileSync(process.argv[2], "utf8"));
const require = createRequire(resolve(job.tools, "package.json"));
const ts = require("typescript");
const load = (file) => import(pathToFileURL(resolve(job.tools, "node_modules", file)).href);

const tasks = { types, fallback, describe, check };
const answer = await tasks[job.task](job);
writeFileSync(process.argv[3], JSON.stringify(answer));

async function types({ document, out, header }) {
  const { default: openapiTS, astToString } = await load("openapi-typescript/dist/index.mjs");
  const value = JSON.parse(readFileSync(document, "utf8"));
  const literal = (text) => ts.factory.createLiteralTypeNode(ts.factory.createStringLiteral(text));
  const string = ts.factory.createKeywordTypeNode(ts.SyntaxKind.StringKeyword);
  const blob = ts.factory.createTypeReferenceNode("Blob");
  let ast;
  try {
    ast = await openapiTS(value, {
      alphabetize: true,
      emptyObjectsUnknown: true,
      defaultNonNullable: false,
      silent: true,
      transform: (schema) => {
        if (schema["x-blob"]) return ts.factory.createUnionTypeNode([string, blob]);
        // A type may lead back to itself through an interface, and through nothing else.
        if (schema["x-items"]) return ts.factory.createTypeReferenceNode("Items", [literal(schema["x-items"])]);
        return undefined;
      },
    });
  } catch (error) {
    return { failure: String(error?.message ?? error) };
  }
  const text = astToString(ast);
  const items =
    'export interface Items<Name extends keyof components["schemas"]> extends Array<components["schemas"][Name]> {}\n';
  writeFileSync(out, `${header}\n\n${text}${text.includes("Items<") ? items : ""}`);
  return describe({ file: out });
}

async function fallback({ document, folder }) {
  const { createClient } = await load("@hey-api/openapi-ts/dist/index.mjs");
  process.env.CI = "1";
  try {
    await createClient({
      input: JSON.parse(readFileSync(document, "utf8")),
      output: { path: folder, clean: false, entryFile: false },
      plugins: [{ name: "@hey-api/typescript", case: "preserve", comments: false }],
      parser: { transforms: { readWrite: { enabled: false } } },
      logs: { level: "silent", file: false },
    });
  } catch (error) {
    return { failure: String(error?.message ?? error) };
  }
  const file = resolve(folder, "types.gen.ts");
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const aliases = {};
  for (const each of source.statements) {
    if (ts.isTypeAliasDeclaration(each)) {
      const members = ts.isTypeLiteralNode(each.type) ? each.type.members : [];
      aliases[each.name.text] = members.map((member) => member.name?.text ?? "");
    }
  }
  return { aliases };
}

/** The parts of a file that belong to one place of the document: its lines, and its members with their types. */
function describe({ file }) {
  const text = readFileSync(file, "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const printer = ts.createPrinter({ removeComments: true });
  const line = (position) => source.getLineAndCharacterOfPosition(position).line + 1;
  const print = (node) => printer.printNode(ts.EmitHint.Unspecified, node, source).replace(/\s+/g, " ");
  const name = (node) => (ts.isIdentifier(node) || ts.isStringLiteral(node) || ts.isNumericLiteral(node) ? node.text : node.getText());
  const parts = [];
  const visit = (node, path) => {
    for (const member of node.members ?? []) {
      if (!member.name || !member.type) continue;
      const place = [...path, name(member.name)];
      const deep = path.length < (path[0] === "components" ? 2 : path[0] === "operations" ? 5 : path[0] === "paths" ? 2 : 1);
      if (deep && ts.isTypeLiteralNode(member.type)) visit(member.type, place);
      const part = { place, first: line(member.getStart()), last: line(member.end), optional: !!member.questionToken };
      const isModel = place[0] === "components" && place.length === 3;
      const isOperation = place[0] === "operations" && place.length === 2;
      if (isModel && ts.isTypeLiteralNode(member.type)) {
        part.members = member.type.members
          .filter((each) => each.name && each.type)
          .map((each) => [name(each.name), print(each.type), !each.questionToken]);
      }
      if (!isOperation && !(place[0] === "paths" && place.length === 2)) part.text = print(member.type);
      parts.push(part);
    }
  };
  for (const statement of source.statements) {
    if (ts.isInterfaceDeclaration(statement)) visit(statement, [statement.name.text]);
    if (ts.isTypeAliasDeclaration(statement)) {
      const place = ["alias", statement.name.text];
      parts.push({ place, first: line(statement.getStart()), last: line(statement.end), text: print(statement.type) });
    }
  }
  return { parts };
}

/** Errors of the compiler by file and line; with `emit`, the files as JavaScript beside them. */
function check({ folder, files, emit, options }) {
  const program = ts.createProgram(
    files.map((file) => resolve(folder, file)),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
      types: [],
      strict: true,
      skipLibCheck: false,
      noErrorTruncation: false,
      ...options,
    },
  );
  if (emit) program.emit();
  const at = (each) => {
    const message = ts.flattenDiagnosticMessageText(each.messageText, " ").slice(0, 300);
    if (!each.file || each.start === undefined) return { file: "", line: 0, code: each.code, message };
    const { line } = each.file.getLineAndCharacterOfPosition(each.start);
    const base = resolve(folder);
    const file = each.file.fileName.startsWith(base) ? each.file.fileName.slice(base.length + 1) : each.file.fileName;
    return { file, line: line + 1, code: each.code, message };
  };
  const found = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
  for (const source of program.getSourceFiles()) {
    if (program.isSourceFileDefaultLibrary(source)) continue;
    found.push(...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source));
  }
  return { errors: found.map(at) };
}
