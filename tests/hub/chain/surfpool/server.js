// A Surfpool server on a free port of this machine, without any chain behind it; ends with its standard input.
const { Surfnet } = require("@solana/surfpool-linux-x64-gnu");

const net = Surfnet.startWithConfig({ offline: true, blockProductionMode: "clock", slotTimeMs: 100 });
console.log(net.rpcUrl);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
