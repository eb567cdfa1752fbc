/* The fixed parts of the page: its style and its script. */
#ifndef TRINE_REPORT_PAGE_H
#define TRINE_REPORT_PAGE_H

extern const char page_style[], page_script[];

#endif
