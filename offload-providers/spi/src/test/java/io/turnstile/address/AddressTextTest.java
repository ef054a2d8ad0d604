package io.turnstile.address;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressTextTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "::",
                "::1",
                "fc00::1",
                "1::",
                "1:0:2:3:4:5:6:7",
                "1:0:0:2::3",
                "2001:db8::1:0:0:1",
                "1:2:3:4:5:6:7:8",
                "2001:db8:0:1:1:1:1:1",
                "fe80::204:61ff:fe9d:f156"
            })
    void canonicalTextComesBackAsItWas(String text) throws UnknownHostException {
        ByteBuffer bytes = ByteBuffer.wrap(InetAddress.getByName(text).getAddress());
        assertThat(AddressText.ipv6(bytes.getLong(), bytes.getLong())).isEqualTo(text);
    }

    @Test
    void aMappedAddressIsDotted() {
        assertThat(AddressText.ipv6(0, 0xffff_0a00_0001L)).isEqualTo("::ffff:10.0.0.1");
        assertThat(AddressText.ipv4(0xffffffffL)).isEqualTo("255.255.255.255");
    }

    @Test
    void anAddressThatEndsInAnIpv4AddressIsDottedAsInetNtopDoes() {
        assertThat(AddressText.ipv6(0, 0x0a00_0001L)).isEqualTo("::10.0.0.1");
        assertThat(AddressText.ipv6(0, 0xffffL)).isEqualTo("::ffff");
    }

    @Test
    void aMacAddressHasTwoDigitsAByte() {
        assertThat(AddressText.mac(0x0200_00ab_cd01L)).isEqualTo("02:00:00:ab:cd:01");
    }

    @Test
    void everyTextIsReadBackAsTheSameAddress() throws UnknownHostException {
        Random random = new Random(5);
        for (int i = 0; i < 5000; i++) {
            long high = random.nextLong() & mask(random);
            long low = random.nextLong() & mask(random) | 1L << 63;
            ByteBuffer bytes = ByteBuffer.wrap(
                    InetAddress.getByName(AddressText.ipv6(high, low)).getAddress());
            assertThat(bytes.getLong()).isEqualTo(high);
            assertThat(bytes.getLong()).isEqualTo(low);
        }
    }

    private static long mask(Random random) {
        long mask = 0;
        for (int group = 0; group < 4; group++) {
            mask |= (random.nextBoolean() ? 0xffffL : 0) << 16 * group;
        }
        return mask;
    }
}
