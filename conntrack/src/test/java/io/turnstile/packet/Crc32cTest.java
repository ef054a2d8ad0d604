package io.turnstile.packet;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class Crc32cTest {
    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);

    @Test
    void octetByOctetItIsTheCrcOfTheStandardLibrary() {
        byte[] bytes = "123456789".getBytes(StandardCharsets.US_ASCII);
        CRC32C expected = new CRC32C();
        expected.update(bytes);
        int crc = ~0;
        for (byte octet : bytes) {
            crc = Crc32c.next(crc, octet);
        }
        assertThat(~crc).isEqualTo((int) expected.getValue()).isEqualTo(0xe306_9283);
    }

    @Test
    void manyZerosAtOnceAreTheSameAsOneAfterTheOther() {
        for (int turn = 0; turn < 200; turn++) {
            int crc = random.nextInt();
            int count = turn < 50 ? turn : random.nextInt(70_000);
            int expected = crc;
            for (int i = 0; i < count; i++) {
                expected = Crc32c.next(expected, 0);
            }
            assertThat(Crc32c.zeros(crc, count))
                    .as("seed %d, %d zeros", seed, count)
                    .isEqualTo(expected);
        }
    }
}
