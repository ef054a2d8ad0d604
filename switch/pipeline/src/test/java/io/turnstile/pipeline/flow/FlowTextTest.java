package io.turnstile.pipeline.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.FlowMod.Command;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlowTextTest {

    static List<Arguments> recorded() throws IOException {
        List<Arguments> pairs = new ArrayList<>();
        try (var in = FlowTextTest.class.getResourceAsStream("flow-mods.txt")) {
            List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
            for (int i = 0; i < lines.size(); i += 2) {
                pairs.add(Arguments.of(lines.get(i), lines.get(i + 1).replaceFirst(".*: ADD ", "")));
            }
        }
        return pairs;
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void flowIsPrintedAsOvsOfctlPrintsIt(String flow, String expected) throws FlowTextException {
        assertThat(asFlowMod(FlowText.parseFlowMod(Command.ADD, flow))).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void printedFlowReadsBackAsTheSameFlow(String flow, String expected) throws FlowTextException {
        FlowMod first = FlowText.parseFlowMod(Command.ADD, flow);
        String printed = FlowText.format(first.match(), first.priority()) + " actions="
                + FlowText.format(first.actions(), first.match());
        FlowMod second = FlowText.parseFlowMod(Command.ADD, printed);
        assertThat(second.match()).isEqualTo(first.match());
        assertThat(FlowText.format(second.actions(), second.match()))
                .isEqualTo(FlowText.format(first.actions(), first.match()));
    }

    /** The layout of ovs-ofctl's flow_mod messages. */
    private static String asFlowMod(FlowMod mod) {
        StringBuilder out = new StringBuilder(mod.tableId() == 0 ? "" : "table:" + mod.tableId() + " ");
        String match = FlowText.format(mod.match(), mod.priority());
        out.append(match).append(match.isEmpty() ? "" : " ");
        out.append(mod.cookie() == 0 ? "" : "cookie:0x" + Long.toHexString(mod.cookie()) + " ");
        out.append(mod.idleTimeoutSeconds() == 0 ? "" : "idle:" + mod.idleTimeoutSeconds() + " ");
        out.append(mod.hardTimeoutSeconds() == 0 ? "" : "hard:" + mod.hardTimeoutSeconds() + " ");
        for (FlowMod.Flag flag : FlowMod.Flag.values()) {
            out.append(mod.flags().contains(flag) ? flag.name().toLowerCase(java.util.Locale.ROOT) + " " : "");
        }
        return out.append("actions=")
                .append(FlowText.format(mod.actions(), mod.match()))
                .toString();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "actions=group:x",
                "actions=enqueue:1",
                "actions=learn(table=x)",
                "actions=nat",
                "ip,actions=ct(commit,nat(src=1.2.3.4,dst=5.6.7.8))",
                "ip,actions=ct(commit,nat(src=1.2.3.4-1.2.3.3))",
                "ip,actions=ct(commit,nat(src=1.2.3.4:80-79))",
                "ip,actions=ct(commit,nat(random))",
                "ip,actions=ct(commit,nat(src=1.2.3.4,hash,random))",
                "ip,actions=ct(commit,nat(src=1.2.3.4-::1))",
                "ip,actions=ct(commit,nat(src=1.2.3.4,forever))",
                "ip,actions=ct(commit,nat(src=[::1]]))",
                "actions=output(port=1,max_len=13)",
                "actions=conjunction(1,3/2)",
                "actions=meter:x",
                "actions=set_queue:x",
                "actions=multipath(eth_src,50,nosuch,1,0,NXM_NX_REG0[])",
                "actions=set_tunnel:x",
                "actions=fin_timeout(nosuch=1)",
                "actions=exit,drop",
                "actions=ct(commit,exec(exit))",
                "actions=clone(nosuch)",
                "actions=push_mpls:x",
                "mpls,actions=set_mpls_label(1048576)",
                "mpls,actions=set_mpls_tc(8)",
                "mpls,actions=set_field:1->mpls_bos",
                "mpls_label=5,actions=drop",
                "actions=controller(paws)",
                "actions=bogus",
                "nosuch=5,actions=drop",
                "tp_dst=80,actions=drop",
                "nw_src=1.2.3.4,actions=drop",
                "ip,nw_src=1.2.3,actions=drop",
                "ip,nw_src=1.2.3.4/33,actions=drop",
                "dl_vlan=4097,actions=drop",
                "reg0=0x100000000,actions=drop",
                "ct_state=+bogus,actions=drop",
                "ct_state=+trk-trk,actions=drop",
                "priority=65536,actions=drop",
                "table=256,actions=drop",
                "cookie=1/2,actions=drop",
                "ip",
                "actions=drop,1",
                "actions=load:16->NXM_NX_REG0[0..3]",
                "actions=goto_table:1,2",
                "actions=move:NXM_NX_REG0[]->NXM_NX_REG1[0..3]",
                "actions=resubmit(,)",
                "actions=ct(force)",
                "actions=ct(zone=NXM_NX_REG0[])",
                "actions=set_field:5->ct_zone",
                "actions=set_field:5->ct_mark",
                "actions=ct(commit,exec(output:1))",
                "actions=ct(table=255)",
                "actions=ct(commit",
                "actions=note:1",
                "out_port=1,actions=drop",
                "ct_tp_dst=5,actions=drop"
            })
    void whatIsNotSupportedOrWrongIsRefused(String flow) {
        assertThatThrownBy(() -> FlowText.parseFlowMod(Command.ADD, flow))
                .isInstanceOf(FlowTextException.class)
                .hasMessageMatching(".+");
    }

    static List<Arguments> errors() throws IOException {
        List<Arguments> pairs = new ArrayList<>();
        try (var in = FlowTextTest.class.getResourceAsStream("ct-errors.txt")) {
            List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
            for (int i = 0; i < lines.size(); i += 2) {
                pairs.add(Arguments.of(lines.get(i), lines.get(i + 1)));
            }
        }
        return pairs;
    }

    @ParameterizedTest
    @MethodSource("errors")
    void whatIsWrongInCtIsToldInTheWordsOfOvsOfctl(String flow, String message) {
        assertThatThrownBy(() -> FlowText.parseFlowMod(Command.ADD, flow))
                .isInstanceOf(FlowTextException.class)
                .hasMessage(message);
    }

    @Test
    void queueIsANumberOf32Bits() throws FlowTextException {
        assertThat(FlowText.parseActions("set_queue:4294967295,set_queue:0x10,set_queue(017)"))
                .containsExactly(new OfAction.SetQueue(-1), new OfAction.SetQueue(16), new OfAction.SetQueue(15));
        for (String bad : List.of("foo", "7x", "-1", "4294967296", "99999999999999999999", "08", "#5")) {
            assertThatThrownBy(() -> FlowText.parseActions("set_queue:" + bad))
                    .hasMessage("invalid numeric format " + bad);
        }
        assertThatThrownBy(() -> FlowText.parseActions("set_queue")).hasMessage("missing required numeric argument");
    }

    @Test
    void deleteTakesCookieMaskAndOutPort() throws FlowTextException {
        FlowMod mod = FlowText.parseFlowMod(Command.DELETE, "cookie=5/-1,table=2,out_port=LOCAL,ip");
        assertThat(mod.cookie()).isEqualTo(5);
        assertThat(mod.cookieMask()).isEqualTo(-1L);
        assertThat(mod.outPort()).isEqualTo(OfAction.Ports.LOCAL);
        assertThat(mod.tableId()).isEqualTo(2);
    }

    @Test
    void deleteWithoutTableMeansAllTables() throws FlowTextException {
        assertThat(FlowText.parseFlowMod(Command.DELETE, "").tableId()).isEqualTo(FlowMod.ALL_TABLES);
    }

    @Test
    void lineOfDumpFlowsReadsBack() throws FlowTextException {
        FlowMod mod = FlowText.parseFlowMod(
                Command.ADD,
                " cookie=0x5, duration=3.02s, table=1, n_packets=0, n_bytes=0, "
                        + "idle_age=3, priority=7,ip,nw_dst=10.0.0.0/8 actions=output:1");
        assertThat(mod.priority()).isEqualTo(7);
        assertThat(mod.tableId()).isEqualTo(1);
        assertThat(FlowText.format(mod.match())).isEqualTo("ip,nw_dst=10.0.0.0/8");
    }

    @Test
    void namedPortsAreResolved() throws FlowTextException {
        PortNames names = name -> name.equals("eth0") ? java.util.OptionalInt.of(7) : java.util.OptionalInt.empty();
        FlowMod mod = FlowText.parseFlowMod(Command.ADD, "in_port=eth0,actions=output:eth0,eth0", names);
        assertThat(FlowText.format(mod.match())).isEqualTo("in_port=7");
        assertThat(FlowText.format(mod.actions())).isEqualTo("output:7,output:7");
    }

    @Test
    void partsOfAFieldAreMatchedByBrackets() throws FlowTextException {
        assertThat(FlowText.format(FlowText.parseMatch("NXM_NX_REG0[4..7]=5"))).isEqualTo("reg0=0x50/0xf0");
        assertThat(FlowText.parseMatch("xreg1=0x500000006").value(Field.REG2)).isEqualTo(5);
    }

    @Test
    void randomTextIsReadOrRefusedInOneWay() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String alphabet = "ct_stae=+-[](),.:/0x1fregNXM_nwip>ol ";
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder(random.nextBoolean() ? "actions=" : "ip,ct(");
            for (int n = random.nextInt(40); n > 0; n--) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            readOrRefuse(text.toString(), seed);
        }
    }

    private static void readOrRefuse(String text, long seed) {
        try {
            FlowMod mod = FlowText.parseFlowMod(Command.ADD, text + (text.contains("actions=") ? "" : ",actions=drop"));
            FlowText.format(mod.actions(), mod.match());
        } catch (FlowTextException refused) {
            assertThat(refused).hasMessageMatching("(?s).+");
        } catch (RuntimeException bug) {
            throw new AssertionError("seed " + seed + ", text " + text, bug);
        }
    }
}
