#!/usr/bin/env bash
# Write the manifest of a board's image, for the web installer and for updates over the air.
#
#   esphome/web-installer/manifest.sh BOARD VERSION FOLDER    FOLDER has BOARD.factory.bin and BOARD.ota.bin
set -euo pipefail
board=$1 version=$2 folder=$3
checksum=$(md5sum "$folder/$board.ota.bin" | cut -d' ' -f1)
cat >"$folder/$board.manifest.json" <<EOF
{
  "name": "Energy Swap meter, $board",
  "version": "$version",
  "home_assistant_domain": "esphome",
  "new_install_prompt_erase": false,
  "builds": [
    {
      "chipFamily": "ESP32",
      "parts": [{ "path": "$board.factory.bin", "offset": 0 }],
      "ota": { "path": "$board.ota.bin", "md5": "$checksum" }
    }
  ]
}
EOF
