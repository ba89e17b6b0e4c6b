# Runs in a lab guest that the host steers: executes /out/cmd/0, 1, 2, … with bash as they appear in
# the shared directory, and leaves output and status beside them. "exit" in such a script ends that
# script only; the file /out/cmd/stop ends the guest.
next=0
while [ ! -e /out/cmd/stop ]; do
  if [ -e "/out/cmd/$next" ]; then
    bash "/out/cmd/$next" >"/out/cmd/$next.output" 2>&1
    echo $? >"/out/cmd/$next.partial"
    mv "/out/cmd/$next.partial" "/out/cmd/$next.status"
    next=$((next + 1))
  else
    sleep 0.1
  fi
done
