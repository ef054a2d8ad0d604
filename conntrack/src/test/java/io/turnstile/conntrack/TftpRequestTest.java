package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TftpRequestTest {
    private static final String ENDS = "10.0.0.1:4000 > 10.0.0.2:69";

    @ParameterizedTest
    @ValueSource(strings = {"\0\1boot.img\0octet\0", "\0\2x\0netascii\0", "\0\1a/b c\0OCTET\0blksize\0" + "1428\0"})
    void requestsToReadAndWriteAreRecognized(String payload) {
        assertThat(is(payload)).isTrue();
        assertThat(TftpRequest.is(
                        udp("[fc00::1]:4000 > [fc00::2]:69").payload(payload).packet()))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "\0",
                "\0\1",
                "\0\1\0octet\0",
                "\0\1boot.img",
                "\0\1boot.img\0",
                "\0\1boot.img\0octet",
                "\0\1boot.img\0\0",
                "\0\3\0\1data\0data\0",
                "\0\5\0\1no\0such\0",
                "\1\1boot.img\0octet\0",
                "\0\0x\0y\0"
            })
    void everythingElseIsNoRequest(String payload) {
        assertThat(is(payload)).isFalse();
    }

    @Test
    void garbageIsReadWithinThePacket() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int turn = 0; turn < 10_000; turn++) {
            byte[] payload = new byte[random.nextInt(12)];
            for (int i = 0; i < payload.length; i++) {
                payload[i] = (byte) random.nextInt(3);
            }
            int zeros = 0;
            for (int i = 2; i < payload.length; i++) {
                zeros += payload[i] == 0 ? 1 : 0;
            }
            boolean is = TftpRequest.is(udp(ENDS).payload(payload).packet());
            assertThat(is && (zeros < 2 || payload[0] != 0 || payload[2] == 0))
                    .as("seed %d", seed)
                    .isFalse();
        }
    }

    private static boolean is(String payload) {
        return TftpRequest.is(udp(ENDS).payload(payload).packet());
    }
}
