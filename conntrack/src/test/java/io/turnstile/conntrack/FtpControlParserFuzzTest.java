package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.conntrack.FtpDataAddress.Kind;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** FTP's announcements in any payload. Input: an octet with direction and family, and the payload. */
class FtpControlParserFuzzTest {
    private static final int FROM_CLIENT = 1;
    private static final int IPV6 = 2;
    private static final int EVERY_LINE = 4;
    private static final Set<Kind> COMMANDS = EnumSet.of(Kind.PORT, Kind.EPRT);

    static Stream<byte[]> seeds() {
        return Stream.of(
                        "\1PORT 10,1,1,1,156,65\r\n",
                        "\0" + "227 Entering Passive Mode (10,1,1,2,4,5).\r\n",
                        "\1EPRT |1|10.1.1.1|40001|\r\n",
                        "\3EPRT |2|2001:DB8::1:2|65535|\r\n",
                        "\0" + "229 Entering Extended Passive Mode (|||40001|)\r\n",
                        "\0" + "229 Entering Extended Passive Mode (|1|10.0.0.2|40001|)\r\n",
                        "\4" + "226-Sent\r\n x\r\n226 all\r\n227 on port 9 (10,1,1,2,4,5)\r\n227 (10,1,1,2,4,6)\r\n",
                        "\5TYPE I\r\nPORT 10,1,1,1,156,65\r\nEPRT |1|10.1.1.1|40001|\r\n")
                .map(text -> text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatIsAnnouncedStandsInThePacket(byte[] input) {
        int options = input.length == 0 ? 0 : input[0];
        byte[] payload =
                Arrays.copyOfRange(input, Math.min(1, input.length), Math.min(1400, Math.max(1, input.length)));
        boolean fromClient = (options & FROM_CLIENT) != 0;
        Packet packet = Frames.tcp(
                        (options & IPV6) != 0 ? "[fc00::1]:4000 > [fc00::2]:21" : "10.0.0.1:4000 > 10.0.0.2:21")
                .push()
                .payload(payload)
                .packet();
        FtpControlParser parser = new FtpControlParser();
        parser.begin(packet, fromClient, (options & EVERY_LINE) != 0);
        while (parser.next()) {
            FtpDataAddress found = parser.dataAddress();
            assertThat(found.port).isBetween(1, 0xffff);
            assertThat(COMMANDS.contains(found.kind)).isEqualTo(fromClient);
            assertThat(found.addressFrom).isBetween(packet.l4Offset() + 20, found.addressTo);
            assertThat(found.addressTo).isLessThanOrEqualTo(packet.l3EndOffset());
        }
    }
}
