package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.tcp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.conntrack.FtpDataAddress.Kind;
import io.turnstile.packet.Packet;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FtpControlParserTest {
    private static final String TO_SERVER = "10.1.1.1:40000 > 10.1.1.2:21";
    private static final String TO_CLIENT = "10.1.1.2:21 > 10.1.1.1:40000";
    private static final String TO_SERVER_6 = "[fc00::1]:40000 > [fc00::2]:21";
    private static final String TO_CLIENT_6 = "[fc00::2]:21 > [fc00::1]:40000";
    private static final long CLIENT = 0x0a01_0101L;
    private static final long SERVER = 0x0a01_0102L;

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);
    private final FtpControlParser dialogue = new FtpControlParser();

    // ---- what is read ----

    @ParameterizedTest
    @ValueSource(strings = {"PORT 10,1,1,1,156,65\r\n", "port 10,1,1,1,156,65\r\n", "PORT  10,1,1,1,156,065 \n"})
    void aPortCommandIsRead(String line) {
        assertThat(read(TO_SERVER, line)).isTrue();
        assertAnnounced(Kind.PORT, 0, CLIENT, 40001);
        assertThat(addressText(TO_SERVER, line)).isEqualTo("10,1,1,1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "227 Entering Passive Mode (10,1,1,2,4,5).\r\n",
                "227 Entering Passive Mode. 10,1,1,2,4,5\r\n",
                "227 =10,1,1,2,4,5\r\n",
                "227 Entering Passive Mode on port 21, 2 of 3 (10,1,1,2,4,5)\r\n",
                "227-Entering Passive Mode (10,1,1,2,4,5)\r\n227 see above\r\n",
                "227-Entering Passive Mode\r\n 999 idle\r\n227 (10,1,1,2,4,5)\r\n",
                "226-Sent\r\n2 files\r\n226 all of them\r\n227 (10,1,1,2,4,5)\r\n"
            })
    void anAnswerToPasvIsRead(String line) {
        assertThat(read(TO_CLIENT, line)).isTrue();
        assertAnnounced(Kind.PASV, 0, SERVER, 1029);
        assertThat(addressText(TO_CLIENT, line)).isEqualTo("10,1,1,2");
    }

    /** RFC 2428 §3; the protocol and the address "MUST be blank", and some are not. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "229 Entering Extended Passive Mode (|||1029|)\r\n",
                "229 Entering Extended Passive Mode |||1029|\r\n",
                "229 (!!!1029!)\r\n",
                "229 (|1||1029|)\r\n",
                "229 (||10.1.1.2|1029|)\r\n",
                "229 Entering Extended Passive Mode (|1|10.1.1.2|1029|)\r\n",
                "229-Entering\r\n229 Extended Passive Mode (|||1029|)\r\n"
            })
    void formsOfAnAnswerToEpsvAreRead(String line) {
        assertThat(ports(TO_CLIENT, line)).containsExactly(1029);
    }

    @Test
    void addressInAnAnswerToEpsvIsKnown() {
        String line = "229 Extended (|1|10.1.1.2|1029|)\r\n";
        assertThat(read(TO_CLIENT, line)).isTrue();
        assertAnnounced(Kind.EPSV_LONG, 0, SERVER, 1029);
        assertThat(addressText(TO_CLIENT, line)).isEqualTo("10.1.1.2");
        String line6 = "229 Extended (|2|fc00::2|1029|)\r\n";
        assertThat(read(TO_CLIENT_6, line6)).isTrue();
        assertAnnounced(Kind.EPSV_LONG, 0xfc00_0000_0000_0000L, 2, 1029);
        assertThat(addressText(TO_CLIENT_6, line6)).isEqualTo("fc00::2");
    }

    /** RFC 959 §4.2: an answer's inner lines are its text. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "213-Status\r\n227 (10,1,1,2,4,5)\r\n213 End\r\n",
                "213-Status\r\n213-229 (|||22|)\r\n227 (10,1,1,2,4,5)\r\n",
                "250-227 (10,1,1,2,4,5)\r\n250 done\r\n",
                "227-Entering\r\n229 (|||22|)\r\n10,1,1,2,4,5\r\n227 now\r\n"
            })
    void whatStandsWithinAnAnswerAnnouncesNothing(String lines) {
        assertThat(ports(TO_CLIENT, lines)).isEmpty();
    }

    @Test
    void eachLineOfASegmentIsRead() {
        assertThat(ports(TO_CLIENT, "226 sent\r\n227 (10,1,1,2,4,5)\r\n229 (|||7|)\r\n227 (10,1,1,2,0,9)\r\n"))
                .containsExactly(1029, 7, 9);
        assertThat(ports(TO_SERVER, "TYPE I\r\nPORT 10,1,1,1,4,5\r\nEPRT |1|10.1.1.1|6|\r\nLIST\r\n"))
                .containsExactly(1029, 6);
        assertThat(ports(TO_SERVER, "NOOP PORT 10,1,1,1,4,5\r\n"))
                .as("not a line's beginning")
                .isEmpty();
        assertThat(ports(TO_CLIENT, "x".repeat(1000) + "\n" + "227 (10,1,1,2,4,5)\n"))
                .as("however far behind")
                .containsExactly(1029);
    }

    @Test
    void onlyTheFirstLineIsReadOfWhatIsNoDialogue() {
        Packet packet = tcp(TO_CLIENT)
                .push()
                .payload("226 sent\r\n227 (10,1,1,2,4,5)\r\n")
                .packet();
        dialogue.begin(packet, false, false);
        assertThat(dialogue.next()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"EPRT |1|10.1.1.1|40001|\r\n", "eprt !1!10.1.1.1!40001!\r\n"})
    void anExtendedPortCommandIsRead(String line) {
        assertThat(read(TO_SERVER, line)).isTrue();
        assertAnnounced(Kind.EPRT, 0, CLIENT, 40001);
        assertThat(addressText(TO_SERVER, line)).isEqualTo("10.1.1.1");
    }

    @Test
    void anExtendedPortCommandOverIpv6IsRead() {
        String line = "EPRT |2|2001:DB8::1:2|65535|\r\n";
        assertThat(read(TO_SERVER_6, line)).isTrue();
        assertAnnounced(Kind.EPRT, 0x2001_0db8_0000_0000L, 0x1_0002L, 65535);
        assertThat(addressText(TO_SERVER_6, line)).isEqualTo("2001:DB8::1:2");
    }

    @Test
    void anAnswerToEpsvIsReadInBothFamilies() {
        String line = "229 Entering Extended Passive Mode (|||40001|)\r\n";
        for (String ends : new String[] {TO_CLIENT, TO_CLIENT_6}) {
            assertThat(read(ends, line)).isTrue();
            assertAnnounced(Kind.EPSV, 0, 0, 40001);
            assertThat(addressText(ends, line)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "P",
                "USER anonymous\r\n",
                "PASV\r\n",
                "EPSV\r\n",
                "PORX 10,1,1,1,1,1\r\n",
                "RETR PORT 10,1,1,1,1,1\r\n",
                "227 Entering Passive Mode (10,1,1,1,4,5)\r\n",
                "229 Entering Extended Passive Mode (|||40001|)\r\n"
            })
    void otherThingsThatClientsSayAreOfNoInterest(String line) {
        assertThat(read(TO_SERVER, line)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "220 (vsFTPd 3.0.3)\r\n",
                "200 PORT command successful.\r\n",
                "227-\r\n",
                "2271 x\r\n",
                "PORT 10,1,1,1,156,65\r\n",
                "EPRT |1|10.1.1.1|40001|\r\n"
            })
    void otherThingsThatServersSayAreOfNoInterest(String line) {
        assertThat(read(TO_CLIENT, line)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PORT\r\n",
                "PORT 10,1,1,1,4\r\n",
                "PORT 10,1,1,1,4,\r\n",
                "PORT 10,1,1,1,256,1\r\n",
                "PORT 10,1,1,1,1,256\r\n",
                "PORT 10,1,1,256,1,1\r\n",
                "PORT 10,1,1,1,0,0\r\n",
                "PORT 10.1.1.1,4,5\r\n",
                "PORT 10,1,1,1,4,5",
                "PORT 10,1,1,1,4,5x\r\n",
                "PORT 10,1,1,1,4,5,6\r\n",
                "PORT a10,1,1,1,4,5\r\n",
                "PORT 0010,1,1,1,4,5\r\n",
                "PORTAL 10,1,1,1,4,5\r\n",
                "PORT -1,1,1,1,4,5\r\n",
                "EPRT\r\n",
                "EPRT |1|10.1.1.1|40001",
                "EPRT |1|10.1.1.1|65536|\r\n",
                "EPRT |1|10.1.1.1|0|\r\n",
                "EPRT |2|fc00::1|40001|\r\n",
                "EPRT |11|10.1.1.1|40001|\r\n",
                "EPRT |1|10,1,1,1|40001|\r\n",
                "EPRT |1!10.1.1.1|40001|\r\n",
                "EPRT |1|10.1.1|40001|\r\n",
                "EPRT 1110.1.1.1140001\r\n",
                "EPRT |1|10.1.1.1|123456|\r\n"
            })
    void commandsThatAnnounceNothingToTheEndAnnounceNothing(String line) {
        assertThat(read(TO_SERVER, line)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "227 Entering Passive Mode\r\n",
                "227 Entering Passive Mode (10,1,1,2,4,5",
                "227 (10,1,1,2,4)\r\n",
                "227 (10,1,1,2,300,5)\r\n",
                "227 (10,1,1,2,4,5,6)\r\n",
                "229 Entering Extended Passive Mode\r\n",
                "229 (|||40001)\r\n",
                "229 (||40001|)\r\n",
                "229 (|||0|)\r\n",
                "229 (|||70000|)\r\n",
                "229 (|||40001",
                "229 (|2|10.1.1.2|40001|)\r\n",
                "229 (|1|10.1.1|40001|)\r\n"
            })
    void answersThatAnnounceNothingToTheEndAnnounceNothing(String line) {
        assertThat(read(TO_CLIENT, line)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "EPRT |1|10.1.1.1|40001|\r\n",
                "EPRT |2|fc00::1::2|40001|\r\n",
                "EPRT |2||40001|\r\n",
                "EPRT |2|fc00::1%lo|40001|\r\n",
                "EPRT |2|::ffff:10.1.1.1|40001|\r\n",
                "EPRT :2:fc00::1:40001:\r\n"
            })
    void commandsThatAnnounceNoIpv6AddressAnnounceNothingOverIpv6(String line) {
        assertThat(read(TO_SERVER_6, line)).isFalse();
    }

    @Test
    void overIpv6TheOldCommandsAreOfNoInterest() {
        assertThat(read(TO_SERVER_6, "PORT 10,1,1,1,4,5\r\n")).isFalse();
        assertThat(read(TO_CLIENT_6, "227 Entering Passive Mode (10,1,1,2,4,5)\r\n"))
                .isFalse();
    }

    @Test
    void noAnnouncementCutShortIsTakenForAWholeOne() {
        String[] lines = {
            "PORT 10,1,1,1,156,65\r\n",
            "EPRT |1|10.1.1.1|40001|\r\n",
            "227 Entering (10,1,1,2,4,5).\r\n",
            "229 Entering (|||40001|)\r\n"
        };
        int[] wholeBytes = {21, 23, 27, 23};
        for (int i = 0; i < lines.length; i++) {
            String ends = i < 2 ? TO_SERVER : TO_CLIENT;
            for (int cut = 0; cut <= lines[i].length(); cut++) {
                assertThat(read(ends, lines[i].substring(0, cut)))
                        .as(lines[i].substring(0, cut))
                        .isEqualTo(cut >= wholeBytes[i]);
            }
        }
    }

    @Test
    void tcpOptionsAreNoPayload() {
        Packet packet = tcp(TO_SERVER)
                .push()
                .options(new byte[] {1, 1, 1, 1})
                .payload("PORT 10,1,1,1,156,65\r\n")
                .packet();
        assertThat(finds(packet, true)).isTrue();
    }

    @Test
    void whateverIsReadTheTextNamedIsInsideThePayload() {
        String[] lines = {
            "PORT 10,1,1,1,156,65\r\n",
            "EPRT |1|10.1.1.1|40001|\r\n",
            "227 Entering (10,1,1,2,4,5).\r\n",
            "229 Entering (|||40001|)\r\n",
            "EPRT |2|fc00::1|40001|\r\n"
        };
        int announcements = 0;
        for (int turn = 0; turn < 50_000; turn++) {
            byte[] payload = (lines[random.nextInt(lines.length)] + lines[random.nextInt(lines.length)])
                    .getBytes(StandardCharsets.US_ASCII);
            for (int i = random.nextInt(3); i > 0; i--) {
                payload[random.nextInt(payload.length)] =
                        (byte) (random.nextBoolean() ? random.nextInt() : "0129,.|:( \r\n".charAt(random.nextInt(12)));
            }
            boolean ipv6 = random.nextBoolean();
            boolean fromClient = random.nextBoolean();
            Packet packet =
                    tcp(ipv6 ? TO_SERVER_6 : TO_SERVER).push().payload(payload).packet();
            dialogue.begin(packet, fromClient, random.nextBoolean());
            while (dialogue.next()) {
                announcements++;
                FtpDataAddress found = dialogue.dataAddress();
                String what = "seed " + seed + " turn " + turn;
                assertThat(found.port).as(what).isBetween(1, 65535);
                assertThat(found.addressFrom).as(what).isGreaterThanOrEqualTo(packet.l4Offset() + 20);
                assertThat(found.addressTo).as(what).isBetween(found.addressFrom, packet.l3EndOffset());
            }
        }
        assertThat(announcements).isPositive();
    }

    // ---- what is written ----

    @Test
    void anotherAddressTakesThePlaceOfTheOneAnnounced() throws FtpSpaceException {
        assertReplaced(TO_SERVER, "PORT 10,1,1,1,4,5\r\n", 0, 0xac10_c8f0L, "PORT 172,16,200,240,4,5\r\n");
        assertReplaced(TO_SERVER, "PORT 10,1,1,100,4,5\r\n", 0, 0x0102_0304L, "PORT 1,2,3,4,4,5\r\n");
        assertReplaced(TO_SERVER, "EPRT |1|10.1.1.1|4000|\r\n", 0, 0x0102_0304L, "EPRT |1|1.2.3.4|4000|\r\n");
        assertReplaced(
                TO_CLIENT, "227 Passive (10,1,1,2,4,5).\r\n", 0, 0xc0a8_0101L, "227 Passive (192,168,1,1,4,5).\r\n");
        assertReplaced(TO_CLIENT, "229 Extended (|||5|)\r\n", 0, 0xc0a8_0101L, "229 Extended (|||5|)\r\n");
        assertReplaced(
                TO_SERVER_6,
                "EPRT |2|fc00::1|4000|\r\n",
                0xfc00_0001_0002_0003L,
                0x0004_0005_0006_0007L,
                "EPRT |2|fc00:1:2:3:4:5:6:7|4000|\r\n");
        assertReplaced(
                TO_SERVER_6,
                "EPRT |2|fc00:1:2:3:4:5:6:7|4000|\r\n",
                0xfc00_0000_0000_0000L,
                9,
                "EPRT |2|fc00::9|4000|\r\n");
    }

    @Test
    void aPacketThatCannotGrowStaysAsItWas() {
        Packet full = tcp(TO_SERVER)
                .push()
                .payload("PORT 10,1,1,1,4,5\r\n" + "x".repeat(65_535 - 40 - 19))
                .packet();
        byte[] before = full.toBytes();
        assertThat(finds(full, true)).isTrue();
        assertThatThrownBy(() -> dialogue.dataAddress().replaceAddress(full, 0, 0xac10_c8f0L))
                .isInstanceOf(FtpSpaceException.class);
        assertThat(full.toBytes()).isEqualTo(before);
    }

    private void assertReplaced(String ends, String line, long high, long low, String expected)
            throws FtpSpaceException {
        Packet packet = tcp(ends).push().payload(line).packet();
        boolean fromClient = !ends.contains(":21 >");
        assertThat(finds(packet, fromClient)).isTrue();
        assertThat(dialogue.dataAddress().replaceAddress(packet, high, low))
                .isEqualTo(expected.length() - line.length());
        assertThat(packet.toBytes())
                .isEqualTo(tcp(ends).push().payload(expected).bytes());
        int port = dialogue.dataAddress().port;
        assertThat(finds(packet, fromClient)).isTrue();
        assertThat(dialogue.dataAddress().port).isEqualTo(port);
    }

    private boolean finds(Packet packet, boolean fromClient) {
        dialogue.begin(packet, fromClient, true);
        return dialogue.next();
    }

    private boolean read(String ends, String payload) {
        return finds(tcp(ends).push().payload(payload).packet(), !ends.contains(":21 >"));
    }

    /** The ports that a segment announces, in order. */
    private List<Integer> ports(String ends, String payload) {
        List<Integer> ports = new ArrayList<>();
        dialogue.begin(tcp(ends).push().payload(payload).packet(), !ends.contains(":21 >"), true);
        while (dialogue.next()) {
            ports.add(dialogue.dataAddress().port);
        }
        return ports;
    }

    private String addressText(String ends, String payload) {
        byte[] frame = tcp(ends).push().payload(payload).bytes();
        FtpDataAddress found = dialogue.dataAddress();
        return new String(frame, found.addressFrom, found.addressTo - found.addressFrom, StandardCharsets.US_ASCII);
    }

    private void assertAnnounced(Kind kind, long high, long low, int port) {
        FtpDataAddress found = dialogue.dataAddress();
        assertThat(found.kind).isEqualTo(kind);
        assertThat(found.names(high, low)).isTrue();
        assertThat(found.port).isEqualTo(port);
    }
}
