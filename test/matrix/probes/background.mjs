/* global chrome */
chrome.tabs.create({ url: 'page.html' });
