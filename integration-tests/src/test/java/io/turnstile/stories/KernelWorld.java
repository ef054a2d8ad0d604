package io.turnstile.stories;

import io.turnstile.bench.traffic.Programs;
import io.turnstile.embedded.model.ModelPort;
import io.turnstile.embedded.model.ModelWorld;
import io.turnstile.lab.Command;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import io.turnstile.pipeline.OfPort;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A switch of the model as a process of its own, with veth pairs into a namespace, real tools and real frames; what may
 * be is carried by the kernel, if the world is to carry at all.
 */
final class KernelWorld implements ModelWorld, AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    /** Nothing times out while the script runs: time is not the same in two worlds. */
    private static final int LONG_SECONDS = 3600;

    private static final int ZONES = 3;
    private static final Pattern PORT_COUNTS =
            Pattern.compile("port +\"?(\\d+)\"?: rx pkts=(\\d+), bytes=(\\d+),[^\n]*\n +tx pkts=(\\d+), bytes=(\\d+),");
    private static final Pattern LOOKUPS = Pattern.compile("lookups: hit:(\\d+) missed:(\\d+)");

    private final boolean carries;
    private final Lab lab;
    private final Turnstile turnstile;
    private final List<String> bridges;
    private final Map<ModelPort, String> devices = new EnumMap<>(ModelPort.class);
    private final Set<ModelPort> present = EnumSet.allOf(ModelPort.class);
    private final Set<ModelPort> down = EnumSet.noneOf(ModelPort.class);
    private final BufferedReader fromPeers;
    private final Writer toPeers;

    /** @param name two letters */
    KernelWorld(String name, boolean carries) throws IOException {
        this.carries = carries;
        lab = new Lab(name);
        try {
            String namespace = makeDevices();
            Process peers = startPeers(namespace);
            lab.add(peers::destroy);
            fromPeers = peers.inputReader(StandardCharsets.US_ASCII);
            toPeers = peers.outputWriter(StandardCharsets.US_ASCII);
            turnstile = lab.add(Turnstile.start(lab));
            bridges = List.of(lab.deviceName("b0"), lab.deviceName("b1"));
            configure();
            readAnswer();
        } catch (IOException | RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    // ---- how it is made ----

    private String makeDevices() {
        Host host = lab.host("m0", "192.0.2.1/32");
        devices.put(ModelPort.values()[0], host.device());
        Command.of("sysctl", "-qw", "net.ipv6.conf." + host.device() + ".disable_ipv6=1")
                .run();
        for (int i = 1; i < ModelPort.values().length; i++) {
            String device = lab.deviceName("m" + i);
            Command.of(("ip link add " + device + " type veth peer name eth" + i + " netns " + host.namespace())
                            .split(" "))
                    .run();
            Command.of("sysctl", "-qw", "net.ipv6.conf." + device + ".disable_ipv6=1")
                    .run();
            Command.of("ip", "link", "set", device, "up").run();
            host.run("ip", "link", "set", "eth" + i, "up");
            devices.put(ModelPort.values()[i], device);
        }
        return host.namespace();
    }

    private Process startPeers(String namespace) throws IOException {
        List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        List<String> ends = new ArrayList<>();
        for (int i = 0; i < ModelPort.values().length; i++) {
            ends.add("eth" + i);
        }
        words.addAll(Programs.java(FramePeers.class, ends.toArray(String[]::new)));
        return new ProcessBuilder(words)
                .redirectError(lab.folder().resolve("peers.txt").toFile())
                .start();
    }

    private void configure() {
        for (String bridge : bridges) {
            vsctl("add-br " + bridge + " -- set bridge " + bridge + " datapath_type=netdev fail_mode=secure");
        }
        devices.keySet().forEach(this::plug);
        for (int i = 0; i < 2; i++) {
            vsctl("add-port " + bridges.get(i) + " " + patch(i) + " -- set interface " + patch(i)
                    + " type=patch ofport_request=" + ModelPort.PATCH + " options:peer=" + patch(1 - i));
            addFlows(i, List.of("cookie=-2,priority=65535,dl_type=" + FramePeers.MARKER_TYPE + ",actions=ALL"));
        }
        vsctl("-- --id=@m create Datapath datapath_version=0 -- set Open_vSwitch . datapaths:netdev=@m");
        for (int zone = 1; zone <= ZONES; zone++) {
            setUdpTimeout(zone, 0);
        }
    }

    private static String patch(int bridge) {
        return "patch" + bridge;
    }

    private void plug(ModelPort port) {
        String device = devices.get(port);
        vsctl("add-port " + bridges.get(port.bridge()) + " " + device + " -- set interface " + device
                + " ofport_request=" + port.number());
        vsctl("--timeout=15 wait-until interface " + device + " link_state=up");
    }

    private void vsctl(String words) {
        turnstile.vsctl(words.split(" ")).run();
    }

    private String ofctl(String... words) {
        return turnstile.ofctl(words).run().text();
    }

    // ---- packets ----

    @Override
    public Map<ModelPort, List<byte[]>> send(ModelPort port, byte[] frame) {
        Map<ModelPort, List<byte[]>> sent = new EnumMap<>(ModelPort.class);
        if (down.contains(port)) {
            return sent;
        }
        String awaited = present.stream()
                .filter(each -> each != port && !down.contains(each))
                .map(each -> " " + each.ordinal())
                .collect(Collectors.joining());
        try {
            toPeers.write(port.ordinal() + " " + HexFormat.of().formatHex(frame) + awaited + "\n");
            toPeers.flush();
            for (String line : readAnswer()) {
                String[] words = line.split(" ");
                sent.computeIfAbsent(ModelPort.values()[Integer.parseInt(words[0])], _ -> new ArrayList<>())
                        .add(HexFormat.of().parseHex(words[1]));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sent;
    }

    private List<String> readAnswer() throws IOException {
        List<String> lines = new ArrayList<>();
        for (String line = fromPeers.readLine(); !".".equals(line); line = fromPeers.readLine()) {
            if (line == null || line.startsWith("no marker")) {
                throw new AssertionError(line + "\n" + lines + "\n"
                        + Files.readString(lab.folder().resolve("peers.txt")) + "\n"
                        + ofctl("show", bridges.getFirst()) + turnstile.daemon().output());
            }
            lines.add(line);
        }
        return lines;
    }

    // ---- flows ----

    @Override
    public void addFlows(int bridge, List<String> lines) {
        Path file = lab.folder().resolve("flows.txt");
        try {
            Files.write(file, lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ofctl("add-flows", bridges.get(bridge), file.toString());
    }

    @Override
    public void modifyFlows(int bridge, String line) {
        ofctl("mod-flows", bridges.get(bridge), line);
    }

    @Override
    public void deleteFlows(int bridge, String match) {
        ofctl("del-flows", bridges.get(bridge), match);
    }

    // ---- ports ----

    @Override
    public void removePort(ModelPort port) {
        vsctl("del-port " + devices.get(port));
        present.remove(port);
        down.remove(port);
    }

    @Override
    public void addPort(ModelPort port) {
        Command.of("ip", "link", "set", devices.get(port), "up").run();
        plug(port);
        present.add(port);
    }

    @Override
    public List<Integer> configurations() {
        return List.of(OfPort.CONFIG_PORT_DOWN);
    }

    @Override
    public void configurePort(ModelPort port, int config, int mask) {
        boolean isDown = config != 0;
        ofctl("mod-port", bridges.get(port.bridge()), "" + port.number(), isDown ? "down" : "up");
        vsctl("--timeout=15 wait-until interface " + devices.get(port) + " link_state=" + (isDown ? "down" : "up"));
        if (isDown) {
            down.add(port);
        } else {
            down.remove(port);
        }
    }

    @Override
    public void setMtu(ModelPort port, int mtuBytes) {
        Command.of("ip", "link", "set", devices.get(port), "mtu", "" + mtuBytes).run();
        vsctl("--timeout=15 wait-until interface " + devices.get(port) + " mtu=" + mtuBytes);
    }

    // ---- connections ----

    @Override
    public void flushConnections() {
        turnstile.appctl("dpctl/flush-conntrack").run();
    }

    @Override
    public void flushConnections(int zone) {
        turnstile.appctl("dpctl/flush-conntrack", "zone=" + zone).run();
    }

    @Override
    public void setUdpTimeout(int zone, int seconds) {
        int timeout = LONG_SECONDS + seconds;
        vsctl("--if-exists del-zone-tp netdev zone=" + zone + " -- add-zone-tp netdev zone=" + zone + " udp_first="
                + timeout + " udp_single=" + timeout + " udp_multiple=" + timeout);
    }

    // ---- the rest ----

    @Override
    public void setOffload(boolean on) {
        if (carries) {
            vsctl("set Open_vSwitch . other_config:hw-offload=" + on);
        }
    }

    @Override
    public boolean hasClockByHand() {
        return false;
    }

    @Override
    public void advance(Duration time) {}

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
        for (int i = 0; i < 2; i++) {
            int bridge = i;
            ofctl("dump-flows", bridges.get(i))
                    .lines()
                    .filter(line -> line.contains("cookie="))
                    .map(line -> bridge + " " + line.strip().replaceAll(" (duration|idle_age)=[^ ]*", ""))
                    .sorted()
                    .forEach(lines::add);
            Matcher port = PORT_COUNTS.matcher(ofctl("--no-names", "dump-ports", bridges.get(i)));
            while (port.find()) {
                lines.add(i + " port " + port.group(1) + " rx " + port.group(2) + " packets, " + port.group(3)
                        + " bytes, tx " + port.group(4) + " packets, " + port.group(5) + " bytes");
            }
        }
        turnstile.appctl("dpctl/dump-conntrack").run().text().lines().sorted().forEach(lines::add);
        return lines;
    }

    /** Packets that software has looked up so far. */
    long lookedUp() {
        Matcher lookups = LOOKUPS.matcher(turnstile.appctl("dpctl/show").run().text());
        if (!lookups.find()) {
            throw new AssertionError("no lookups in dpctl/show");
        }
        return Long.parseLong(lookups.group(1)) + Long.parseLong(lookups.group(2));
    }

    @Override
    public void close() {
        lab.close();
    }
}
