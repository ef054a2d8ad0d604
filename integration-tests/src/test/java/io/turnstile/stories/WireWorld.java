package io.turnstile.stories;

import io.turnstile.embedded.model.ModelPort;
import io.turnstile.embedded.model.ModelWorld;
import io.turnstile.lab.Command;
import io.turnstile.lab.ControlConnection;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.pipeline.OfPort;
import io.turnstile.port.linux.AfPacketPort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A daemon of the model with a veth pair for each port, whose outer ends the test reads and writes. With offload, the
 * kernel carries what it may.
 *
 * <p>When everything that comes of a frame has come is told by markers, which the switch sends by every port: a frame
 * and the marker behind it may be in one batch, so a second marker follows when the first one is there.
 */
final class WireWorld implements ModelWorld {
    private static final int MARKER_TYPE = 0x88b5; // IEEE 802, local experiments
    private static final int MARKER_BYTES = 60;
    private static final int TYPE_OFFSET = 12;
    private static final int NUMBER_OFFSET = 14;
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final long LOOK_AGAIN_NS = 10_000;
    /** Longer than what has lasted must have lasted, before it is offered. */
    private static final long SETTLING_NS = Duration.ofMillis(300).toNanos();

    private static final int ZONES = 3;
    /** Nothing is to time out: the two worlds' clocks are not one. */
    private static final int LONG_SECONDS = 10_000;

    private static final Pattern AGES = Pattern.compile("duration=[^,]*, |(idle|hard)_age=\\d+, ");
    /** Without sent bytes: where the kernel keeps a tag beside its frame, veth counts the frame alone. */
    private static final Pattern PORT_COUNTS =
            Pattern.compile("port +(\\S+): rx pkts=(\\d+), bytes=(\\d+),[^\\n]*\\n +tx pkts=(\\d+),");

    private static final Pattern DEADLINE = Pattern.compile(",timeout=\\d+");
    private static final String CARRIED = "original:ebpf";

    private final Lab lab;
    private final String name;
    private final Turnstile turnstile;
    private final ControlConnection control;
    private final Map<ModelPort, String> devices = new EnumMap<>(ModelPort.class);
    private final Map<ModelPort, AfPacketPort> wires = new EnumMap<>(ModelPort.class);
    private final Set<ModelPort> present = EnumSet.allOf(ModelPort.class);
    private final Packet[] pool = new Packet[PacketBatch.CAPACITY];
    private final PacketBatch batch = new PacketBatch();
    private final boolean offloads;
    private int lastMarker;
    private int mostCarried;

    /** @param name a letter, for names of devices */
    WireWorld(Lab lab, String name, boolean offloads) {
        this.lab = lab;
        this.name = name;
        this.offloads = offloads;
        for (int i = 0; i < pool.length; i++) {
            pool[i] = new Packet(Arena.ofAuto().allocate(Packet.HEADROOM_BYTES + Packet.MAX_FRAME_BYTES, Long.BYTES));
        }
        turnstile = lab.add(Turnstile.start(lab));
        try {
            control = lab.add(ControlConnection.open(turnstile.controlSocket()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (int bridge = 0; bridge < 2; bridge++) {
            vsctl("add-br br%d -- set bridge br%d datapath_type=netdev fail_mode=secure".formatted(bridge, bridge));
            vsctl(("add-port br%d patch%d -- set interface patch%d type=patch options:peer=patch%d ofport_request=%d")
                    .formatted(bridge, bridge, bridge, 1 - bridge, ModelPort.PATCH));
        }
        for (ModelPort port : ModelPort.values()) {
            makeWire(port);
            vsctl(addition(port));
        }
        for (ModelPort port : ModelPort.values()) {
            vsctl("wait-until interface " + device(port) + " link_state=up");
        }
        vsctl("-- --id=@d create Datapath datapath_version=0 -- set Open_vSwitch . datapaths:netdev=@d");
        for (int zone = 1; zone <= ZONES; zone++) {
            setPolicy(zone, LONG_SECONDS);
        }
        addFlows(0, markers("1,2,3,4"));
        addFlows(1, markers("1,2"));
    }

    // ---- what it is made of ----

    private String device(ModelPort port) {
        return devices.get(port);
    }

    private void makeWire(ModelPort port) {
        String device = lab.deviceName(name + port.ordinal());
        String outer = device + "o";
        devices.put(port, device);
        ip("link add " + device + " type veth peer name " + outer);
        for (String end : List.of(device, outer)) {
            Command.of("sysctl", "-qw", "net.ipv6.conf." + end + ".disable_ipv6=1")
                    .run(); // no packets of its own
            ip("link set " + end + " up");
        }
        wires.put(port, lab.add(AfPacketPort.open(outer, false)));
    }

    private String addition(ModelPort port) {
        return "add-port br%d %s -- set interface %s ofport_request=%d"
                .formatted(port.bridge(), device(port), device(port), port.number());
    }

    /** A marker goes out by all ports, and over the patch unless it has come from there. */
    private static List<String> markers(String ports) {
        String outputs = "output:" + ports.replace(",", ",output:");
        String type = ",dl_type=0x" + Integer.toHexString(MARKER_TYPE) + ",actions=";
        return List.of(
                "priority=65535,in_port=" + ModelPort.PATCH + type + outputs,
                "priority=65534" + type + "in_port," + outputs + ",output:" + ModelPort.PATCH);
    }

    private static void ip(String arguments) {
        Command.of(("ip " + arguments).split(" ")).run();
    }

    private void vsctl(String arguments) {
        turnstile.vsctl(arguments.split(" ")).run();
    }

    private String appctl(String command, String... arguments) {
        try {
            return control.run(command, arguments);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- packets ----

    @Override
    public Map<ModelPort, List<byte[]>> send(ModelPort port, byte[] frame) {
        Map<ModelPort, List<byte[]>> sent = new EnumMap<>(ModelPort.class);
        put(port, frame);
        for (int i = 0; i < 2; i++) {
            byte[] marker = new byte[MARKER_BYTES];
            ByteBuffer.wrap(marker)
                    .putLong(0, 0x0200_0000_0001_0200L)
                    .putInt(8, 1)
                    .putShort(TYPE_OFFSET, (short) MARKER_TYPE)
                    .putInt(NUMBER_OFFSET, ++lastMarker);
            put(port, marker);
            awaitMarker(sent);
        }
        return sent;
    }

    private void put(ModelPort port, byte[] frame) {
        AfPacketPort wire = wires.get(port);
        wire.send(Packet.copyOf(frame));
        wire.flush();
    }

    private void awaitMarker(Map<ModelPort, List<byte[]>> sent) {
        Set<ModelPort> missing = EnumSet.copyOf(present);
        long startNs = System.nanoTime();
        while (!missing.isEmpty()) {
            boolean idle = true;
            for (ModelPort port : present) {
                idle &= take(port, sent, missing) == 0;
            }
            if (idle) {
                if (System.nanoTime() - startNs > PATIENCE.toNanos()) {
                    throw new AssertionError(name + ": no marker came by " + missing);
                }
                LockSupport.parkNanos(LOOK_AGAIN_NS);
            }
        }
    }

    private int take(ModelPort port, Map<ModelPort, List<byte[]>> sent, Set<ModelPort> missing) {
        batch.clear();
        int count = wires.get(port).receive(pool, batch);
        for (int i = 0; i < count; i++) {
            byte[] frame = batch.get(i).toBytes();
            ByteBuffer bytes = ByteBuffer.wrap(frame);
            if ((bytes.getShort(TYPE_OFFSET) & 0xffff) != MARKER_TYPE) {
                sent.computeIfAbsent(port, _ -> new ArrayList<>()).add(frame);
            } else if (bytes.getInt(NUMBER_OFFSET) == lastMarker) {
                missing.remove(port);
            }
        }
        return count;
    }

    // ---- flows ----

    @Override
    public void addFlows(int bridge, List<String> lines) {
        try {
            Path file = Files.write(lab.folder().resolve(name + "-flows.txt"), lines);
            turnstile.ofctl("add-flows", "br" + bridge, file.toString()).run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void modifyFlows(int bridge, String line) {
        turnstile.ofctl("mod-flows", "br" + bridge, line).run();
    }

    @Override
    public void deleteFlows(int bridge, String match) {
        turnstile.ofctl("del-flows", "br" + bridge, match).run();
    }

    // ---- ports ----

    @Override
    public void removePort(ModelPort port) {
        vsctl("del-port " + device(port));
        present.remove(port);
    }

    @Override
    public void addPort(ModelPort port) {
        vsctl(addition(port));
        present.add(port);
        vsctl("wait-until interface " + device(port) + " link_state=up");
    }

    /** Markers have to come and go by every port. */
    @Override
    public List<Integer> configurations() {
        return List.of(OfPort.CONFIG_NO_FLOOD);
    }

    @Override
    public void configurePort(ModelPort port, int config, int mask) {
        turnstile
                .ofctl("mod-port", "br" + port.bridge(), "" + port.number(), config == 0 ? "flood" : "no-flood")
                .run();
    }

    @Override
    public void setMtu(ModelPort port, int mtuBytes) {
        ip("link set " + device(port) + " mtu " + mtuBytes);
        vsctl("wait-until interface " + device(port) + " mtu=" + mtuBytes);
    }

    // ---- connections ----

    @Override
    public void flushConnections() {
        appctl("dpctl/flush-conntrack");
    }

    @Override
    public void flushConnections(int zone) {
        appctl("dpctl/flush-conntrack", "zone=" + zone);
    }

    @Override
    public void setUdpTimeout(int zone, int seconds) {
        setPolicy(zone, LONG_SECONDS + seconds);
    }

    private void setPolicy(int zone, int udpSeconds) {
        StringBuilder policy = new StringBuilder();
        for (String udp : List.of("udp_first", "udp_single", "udp_multiple")) {
            policy.append(' ').append(udp).append('=').append(udpSeconds);
        }
        for (String tcp :
                List.of("syn_sent", "syn_recv", "established", "fin_wait", "time_wait", "close_wait", "close")) {
            policy.append(" tcp_").append(tcp).append('=').append(LONG_SECONDS);
        }
        vsctl("--if-exists del-zone-tp netdev zone=" + zone);
        vsctl("add-zone-tp netdev zone=" + zone + policy);
    }

    // ---- the rest ----

    @Override
    public void setOffload(boolean on) {
        if (offloads) {
            vsctl("set open_vswitch . other_config:hw-offload=" + on);
        }
    }

    @Override
    public boolean hasClockByHand() {
        return false;
    }

    /** What has lasted comes to be carried meanwhile. */
    @Override
    public void advance(Duration time) {
        if (offloads) {
            long startNs = System.nanoTime();
            while (System.nanoTime() - startNs < SETTLING_NS) {
                LockSupport.parkNanos(SETTLING_NS);
            }
        }
    }

    @Override
    public boolean isAboutToExpire() {
        return false;
    }

    @Override
    public Duration patience() {
        return PATIENCE;
    }

    @Override
    public List<String> counters() {
        List<String> lines = new ArrayList<>();
        for (int bridge = 0; bridge < 2; bridge++) {
            String named = "br" + bridge;
            turnstile.ofctl("dump-flows", named).run().lines().stream()
                    .filter(line -> line.contains("n_packets"))
                    .map(line -> named + AGES.matcher(line).replaceAll(""))
                    .sorted()
                    .forEach(lines::add);
            Matcher counts = PORT_COUNTS.matcher(
                    turnstile.ofctl("dump-ports", named).run().output());
            Set<String> ofPorts = new TreeSet<>();
            while (counts.find()) {
                if (counts.group(1).matches("\\d+")) {
                    ofPorts.add("%s %s rx %s packets, %s bytes; tx %s packets"
                            .formatted(named, counts.group(1), counts.group(2), counts.group(3), counts.group(4)));
                }
            }
            lines.addAll(ofPorts);
        }
        if (offloads) {
            long carried = appctl("dpctl/dump-conntrack", "-m")
                    .lines()
                    .filter(line -> line.contains(CARRIED))
                    .count();
            mostCarried = Math.max(mostCarried, (int) carried);
        }
        appctl("dpctl/dump-conntrack")
                .lines()
                .map(line -> DEADLINE.matcher(line).replaceAll(""))
                .sorted()
                .forEach(lines::add);
        return lines;
    }

    /** How many connections were seen carried at once. */
    int mostCarried() {
        return mostCarried;
    }
}
