package io.turnstile.stories;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.bpf.BpfException;
import io.turnstile.bpf.BpfLink;
import io.turnstile.bpf.BpfMap;
import io.turnstile.bpf.Errno;
import io.turnstile.bpf.LoadedProgram;
import io.turnstile.bpf.MapDefinition;
import io.turnstile.bpf.MapType;
import io.turnstile.bpf.ProgramType;
import io.turnstile.bpf.XdpMode;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Program;
import io.turnstile.bpf.asm.TcxAction;
import io.turnstile.bpf.asm.XdpAction;
import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Programs attached to devices: what they carry, how long, and what is left of them. */
@Tag("system")
class BpfStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int PINGS = 10;

    private final Lab lab = new Lab("bpf");
    private final Host inside = lab.host("in", "10.9.0.1/24");
    private final Host outside = lab.host("out", "10.9.0.2/24");

    /** Told beforehand, so that no packet waits for an answer and comes late. */
    @BeforeEach
    void hostsKnowEachOther() {
        introduce(inside, outside);
        introduce(outside, inside);
    }

    private static void introduce(Host host, Host other) {
        String mac = other.run("cat", "/sys/class/net/eth0/address").text();
        host.run("ip", "neighbour", "replace", other.address(), "lladdr", mac, "dev", "eth0");
    }

    @AfterEach
    void close() {
        lab.close();
    }

    private static int index(Host host) throws IOException {
        return NetworkInterface.getByName(host.device()).getIndex();
    }

    private Command ping(int count) {
        return inside.command("ping", "-c", Integer.toString(count), "-i", "0.01", "-W", "1", outside.address());
    }

    private boolean isReached() {
        return ping(1).attempt().succeeded();
    }

    @Test
    void tcxCarriesPacketsBetweenNamespacesAndCountsThem() throws Exception {
        assertThat(isReached()).isFalse();
        try (TwoPortRedirect redirect = new TwoPortRedirect(index(inside), index(outside))) {
            ping(PINGS).run();

            assertThat(redirect.carried(0)).isEqualTo(PINGS);
            assertThat(redirect.carried(1)).isEqualTo(PINGS);
        }
    }

    @Test
    void nothingIsCarriedOnceALinkIsClosed() throws Exception {
        try (TwoPortRedirect redirect = new TwoPortRedirect(index(inside), index(outside))) {
            ping(1).run();

            redirect.linkBack().close();

            assertThat(isReached()).isFalse();
            assertThat(redirect.carried(0)).isEqualTo(2);
            assertThat(redirect.carried(1)).isOne();
        }
    }

    @Test
    void aLinkKnowsWhenItsDeviceHasGone() throws Exception {
        int device = index(inside);
        try (TwoPortRedirect redirect = new TwoPortRedirect(device, index(outside))) {
            assertThat(redirect.linkThere().deviceIndex()).isEqualTo(device);

            Command.of("ip", "link", "delete", inside.device()).run();

            assertThat(redirect.linkThere().deviceIndex()).isZero();
            assertThat(redirect.linkBack().deviceIndex()).isEqualTo(index(outside));
        }
    }

    @Test
    void aProgramThatNamesNoDeviceIsNotAttached() throws Exception {
        Program program = new Assembler().mov(R0, TcxAction.NEXT.code()).exit().assemble();
        try (LoadedProgram loaded = LoadedProgram.load(ProgramType.TC, "next", "Apache-2.0", program)) {
            assertThatThrownBy(() -> BpfLink.tcxIngress(loaded, Integer.MAX_VALUE))
                    .isInstanceOfSatisfying(
                            BpfException.class,
                            e -> assertThat(e.is(Errno.ENODEV)).isTrue())
                    .hasMessage("attaching program next to tcx ingress of device 2147483647: ENODEV (no such device)");
        }
    }

    @Test
    void theNextProgramGetsWhatOneLeaves() throws Exception {
        Program program = new Assembler().mov(R0, TcxAction.NEXT.code()).exit().assemble();
        try (LoadedProgram loaded = LoadedProgram.load(ProgramType.TC, "next", "Apache-2.0", program);
                BpfLink first = BpfLink.tcxIngress(loaded, index(inside));
                TwoPortRedirect redirect = new TwoPortRedirect(index(inside), index(outside))) {
            ping(1).run();
            assertThat(first.deviceIndex()).isEqualTo(index(inside));
            assertThat(redirect.carried(0)).isOne();
        }
    }

    @Test
    void anXdpProgramMeetsPacketsBeforeTcxDoes() throws Exception {
        Program program = new Assembler().mov(R0, XdpAction.DROP.code()).exit().assemble();
        try (TwoPortRedirect redirect = new TwoPortRedirect(index(inside), index(outside));
                LoadedProgram drop = LoadedProgram.load(ProgramType.XDP, "drop", "Apache-2.0", program)) {
            for (XdpMode mode : XdpMode.values()) {
                long before = redirect.carried(0);
                try (BpfLink link = BpfLink.xdp(drop, index(inside), mode)) {
                    assertThat(link.deviceIndex()).isEqualTo(index(inside));
                    assertThatThrownBy(() -> BpfLink.xdp(drop, index(inside), mode))
                            .isInstanceOfSatisfying(
                                    BpfException.class,
                                    e -> assertThat(e.is(Errno.EBUSY)).isTrue());
                    assertThat(isReached()).isFalse();
                }
                assertThat(redirect.carried(0)).as(mode.name()).isEqualTo(before);
                ping(1).run();
            }
        }
    }

    @Test
    void closingLeavesNothingInTheKernel() throws Exception {
        int program;
        int map;
        try (TwoPortRedirect redirect = new TwoPortRedirect(index(inside), index(outside))) {
            program = redirect.programId();
            map = redirect.mapId();
            assertThat(bpftool("prog", program).succeeded()).isTrue();
            assertThat(bpftool("map", map).succeeded()).isTrue();
        }
        awaitGone(program, map);
    }

    @Test
    void aKilledProcessLeavesNothingInTheKernel() throws Exception {
        Path output = lab.folder().resolve("ids");
        Process holder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        TwoPortRedirect.class.getName(),
                        Integer.toString(index(inside)),
                        Integer.toString(index(outside)))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            Await.until("both programs attached", PATIENCE, () -> !read(output).isBlank(), () -> read(output));
            String[] ids = read(output).strip().split(" ");
            ping(1).run();

            holder.destroyForcibly().waitFor();

            assertThat(isReached()).isFalse();
            awaitGone(Integer.parseInt(ids[0]), Integer.parseInt(ids[1]));
        } finally {
            holder.destroyForcibly();
        }
    }

    /** The same program loaded by us is what another tool reads of it. */
    @Test
    void bpftoolReadsTheProgramAsWeDo() throws Exception {
        try (BpfMap map = BpfMap.create(MapDefinition.of("m", MapType.ARRAY, 4, 8, 1))) {
            Program program =
                    new Assembler().loadMap(R1, map.fd()).mov(R0, 5).exit().assemble();
            try (LoadedProgram loaded = LoadedProgram.load(ProgramType.TC, "read_me", "Apache-2.0", program)) {
                int id = loaded.info().id();
                assertThat(bpftool("prog", id).output())
                        .contains(
                                "sched_cls",
                                "name read_me",
                                "map_ids " + map.info().id());
                assertThat(Command.of("bpftool", "prog", "dump", "xlated", "id", Integer.toString(id))
                                .run()
                                .lines())
                        .containsExactly(
                                "   0: (18) r1 = map[id:" + map.info().id() + "]",
                                "   2: (b7) r0 = 5",
                                "   3: (95) exit");
            }
        }
    }

    private static Command.Result bpftool(String kind, int id) {
        return Command.of("bpftool", kind, "show", "id", Integer.toString(id)).attempt();
    }

    /** The kernel frees what nobody has any more once nobody can be looking at it. */
    private static void awaitGone(int program, int map) {
        Await.until(
                "program and map gone",
                PATIENCE,
                () -> !bpftool("prog", program).succeeded()
                        && !bpftool("map", map).succeeded(),
                () -> List.of(bpftool("prog", program), bpftool("map", map)).toString());
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
