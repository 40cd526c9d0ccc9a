// What the stick says of itself on USB: one CDC interface, the link's. Debug builds: CDC 0 is the REPL's, CDC 1 the link's.

#include "py/mpconfig.h"

#include "mp_usbd.h"
#include "tusb.h"

enum {
    #if LATTICE_DEBUG
    ITF_REPL, ITF_REPL_DATA,
    #endif
    ITF_LINK, ITF_LINK_DATA, ITF_COUNT
};
enum { STR_LANGUAGE, STR_MAKER, STR_PRODUCT, STR_SERIAL, STR_LINK, STR_REPL };

#define CONFIGURATION_BYTES (TUD_CONFIG_DESC_LEN + CFG_TUD_CDC * TUD_CDC_DESC_LEN)
#define COMMAND_BYTES 8
#define PACKET_BYTES 64
#define US_ENGLISH 0x0409

static const tusb_desc_device_t device = {
    .bLength = sizeof(tusb_desc_device_t),
    .bDescriptorType = TUSB_DESC_DEVICE,
    .bcdUSB = 0x0200,
    .bDeviceClass = TUSB_CLASS_MISC,
    .bDeviceSubClass = MISC_SUBCLASS_COMMON,
    .bDeviceProtocol = MISC_PROTOCOL_IAD,
    .bMaxPacketSize0 = CFG_TUD_ENDPOINT0_SIZE,
    .idVendor = MICROPY_HW_USB_VID,
    .idProduct = MICROPY_HW_USB_PID,
    .bcdDevice = LATTICE_VERSION_BCD,
    .iManufacturer = STR_MAKER,
    .iProduct = STR_PRODUCT,
    .iSerialNumber = STR_SERIAL,
    .bNumConfigurations = 1,
};

static const uint8_t configuration[CONFIGURATION_BYTES] = {
    TUD_CONFIG_DESCRIPTOR(1, ITF_COUNT, 0, CONFIGURATION_BYTES, 0, USBD_MAX_POWER_MA),
    #if LATTICE_DEBUG
    TUD_CDC_DESCRIPTOR(ITF_REPL, STR_REPL, 0x83, COMMAND_BYTES, 0x04, 0x84, PACKET_BYTES),
    #endif
    TUD_CDC_DESCRIPTOR(ITF_LINK, STR_LINK, 0x81, COMMAND_BYTES, 0x02, 0x82, PACKET_BYTES),
};

const uint8_t *tud_descriptor_device_cb(void) {
    return (const uint8_t *)&device;
}

const uint8_t *tud_descriptor_configuration_cb(uint8_t index) {
    return configuration;
}

const uint16_t *tud_descriptor_string_cb(uint8_t index, uint16_t language) {
    static uint16_t wide[MICROPY_HW_USB_DESC_STR_MAX + 1];
    char serial[MICROPY_HW_USB_DESC_STR_MAX + 1];
    const char *text = "";
    size_t count = 0;
    switch (index) {
        case STR_LANGUAGE:
            wide[1] = US_ENGLISH;
            count = 1;
            break;
        case STR_MAKER:
            text = MICROPY_HW_USB_MANUFACTURER_STRING;
            break;
        case STR_PRODUCT:
            text = MICROPY_HW_USB_PRODUCT_FS_STRING;
            break;
        case STR_SERIAL:
            mp_usbd_port_get_serial_number(serial);
            text = serial;
            break;
        case STR_LINK:
            text = MICROPY_HW_USB_CDC_INTERFACE_STRING;
            break;
        case STR_REPL:
            text = "Lattice REPL";
            break;
        default:
            return NULL;
    }
    for (; text[0] && text[count] && count < MICROPY_HW_USB_DESC_STR_MAX; count++) {
        wide[1 + count] = (uint8_t)text[count];
    }
    wide[0] = TUSB_DESC_STRING << 8 | (2 + 2 * count);
    return wide;
}
